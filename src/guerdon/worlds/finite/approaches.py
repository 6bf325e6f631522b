"""Approaches: a sequence is an approach that works on some of the problems of a kind and not on others, and nothing tells which.

    reward(x, y) = 1 if approach y works on problem x, else 0        P problems, kind of x = x mod kinds
    P(y works on x) = sigmoid(mean + deviation * z[kind of x, y]),   z ~ N(0, 1)        independent for each problem

A few approaches work on most problems of their kind; many work on a few. Someone who must answer once takes the best approach; someone who
may try often is better off with many. So pass@1 and pass@k for large k ask for different policies as soon as the policy does not know every
problem by heart (``models.finite.shared_shift``).

Source: ours; the smallest world in which the trade-off of arXiv 2504.13837 between accuracy and coverage can come about, or fail to.
Differs from Needle: what is right on one problem tells something about others of its kind.
Defaults: ``mean`` -2 and ``deviation`` 1.5: a random approach works on about a fifth of the problems, the best of 64 on about four fifths.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.worlds.finite.enumerable import EnumerableWorld


@dataclass(frozen=True)
class Approaches(EnumerableWorld):
    contexts: int = 64
    kinds: int = 4
    vocabulary: int = 4
    depth: int = 3
    end: int | None = None
    mean: float = -2.0
    deviation: float = 1.5
    seed: int = 0

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(self.vocabulary, self.depth, self.end)

    def rates(self) -> Tensor:
        """[kinds, S], on which share of the problems of a kind each approach works."""
        rng = generator(self.seed, "approaches", "rates")
        z = torch.randn(self.kinds, self.tree.size, dtype=torch.float64, generator=rng)
        return torch.sigmoid(self.mean + self.deviation * z)

    def rewards(self) -> Tensor:
        if not 1 <= self.kinds <= self.contexts:
            raise InputError(f"Approaches has {self.contexts} problems of {self.kinds} kinds: give at least one problem to each kind")
        rng = generator(self.seed, "approaches", "problems")
        draws = torch.rand(self.contexts, self.tree.size, dtype=torch.float64, generator=rng)
        return (draws < self.rates()[torch.arange(self.contexts) % self.kinds]).double()
