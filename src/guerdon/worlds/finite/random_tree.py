"""Random tree: every sequence has a reward of its own, so that nothing about one is learnt from another.

    reward(x, y) ~ N(0, deviation^2), independent for each context and sequence

Source: ours; the random energy model (Derrida 1981) as a token tree. A world without structure is the fair test of an identity that must hold for every reward.
Default: ``deviation`` 1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.worlds.finite.enumerable import EnumerableWorld


@dataclass(frozen=True)
class RandomTree(EnumerableWorld):
    contexts: int = 1
    vocabulary: int = 4
    depth: int = 4
    end: int | None = None
    deviation: float = 1.0
    noise: float = 0.0
    seed: int = 0

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(self.vocabulary, self.depth, self.end)

    def rewards(self) -> Tensor:
        return self.deviation * torch.randn(
            self.contexts, self.tree.size, dtype=torch.float64, generator=generator(self.seed, "random tree")
        )
