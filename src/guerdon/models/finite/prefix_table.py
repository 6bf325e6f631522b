"""Prefix table: an autoregressive softmax policy with logits of its own at every prefix, over sequences that can be enumerated.

    pi(y | x) = prod over t of softmax(logits[x, y_<t])[y_t]        S sequences per context, float64

With ``end`` a sequence stops where that action is taken, at the latest after ``depth`` steps; ``terminated`` is true where it was taken.
Without, every sequence has ``depth`` steps and is complete.

Source: the softmax policy of Sutton and Barto 2018, eq. 13.2, with a table of preferences, applied at each prefix.
Defaults: ``deviation`` 0 starts from the uniform next step; otherwise initial logits are drawn from N(0, deviation^2).
"""

from dataclasses import dataclass

import torch

from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator


@dataclass(frozen=True)
class PrefixTable:
    contexts: int
    vocabulary: int
    depth: int
    end: int | None = None
    deviation: float = 0.0
    seed: int = 0

    def build(self) -> TablePolicy:
        tree = PrefixTree(self.vocabulary, self.depth, self.end)
        shape = (self.contexts, tree.prefixes, self.vocabulary)
        draws = torch.randn(shape, dtype=torch.float64, generator=generator(self.seed, "prefix table"))
        return TablePolicy(tree, self.deviation * draws)
