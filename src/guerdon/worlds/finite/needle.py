"""Needle: a few sequences are right and get 1, all others 0: an outcome that can be verified, and exploration as the difficulty.

    reward(x, y) = 1 if y is one of the ``needles`` of x, else 0        the needles of a context are drawn without repetition

Source: ours; the sparse end of a verifiable reward. Under the uniform policy the chance of a reward is needles / S.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.worlds.finite.enumerable import EnumerableWorld


@dataclass(frozen=True)
class Needle(EnumerableWorld):
    contexts: int = 1
    vocabulary: int = 4
    depth: int = 4
    end: int | None = None
    needles: int = 1
    seed: int = 0

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(self.vocabulary, self.depth, self.end)

    def rewards(self) -> Tensor:
        size = self.tree.size
        if not 0 < self.needles <= size:
            raise InputError(f"Needle.needles is {self.needles}: choose between 1 and {size}, the number of sequences")
        out = torch.zeros(self.contexts, size, dtype=torch.float64)
        rng = generator(self.seed, "needle")
        for row in out:
            row[torch.randperm(size, generator=rng)[: self.needles]] = 1.0
        return out
