"""Shared shift: what every context prefers by itself is fixed, and what is learned is shared by all contexts of a kind.

    logits[x] = own[x] + shared[kind of x],    kind of x = x mod kinds        [C, P, V]; ``own`` is frozen, ``shared`` [kinds, P, V] is trained

So what is learned on one context acts on the others of its kind, which a table of its own per context cannot show: gains carry over to contexts
that were never practised, and a policy cannot learn every context by heart.

Source: ours; the linear softmax policy of Sutton and Barto 2018, eq. 13.2 and 13.3, with the kind as the only feature and a fixed offset.
Differs from PrefixTable: parameters are shared. With as many kinds as contexts it is a PrefixTable.
Defaults: ``own`` and ``shared`` are the standard deviations of the initial logits; 0 starts from the uniform policy.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator


@dataclass(frozen=True)
class SharedShift:
    contexts: int
    kinds: int
    vocabulary: int
    depth: int
    end: int | None = None
    own: float = 0.0
    shared: float = 0.0
    seed: int = 0

    def build(self) -> "ShiftedPolicy":
        if not 1 <= self.kinds <= self.contexts:
            raise InputError(f"SharedShift has {self.contexts} contexts of {self.kinds} kinds: give at least one context to each kind")
        tree = PrefixTree(self.vocabulary, self.depth, self.end)
        own = self.own * self._draw("own", self.contexts, tree)
        return ShiftedPolicy(tree, own, self.shared * self._draw("shared", self.kinds, tree))

    def _draw(self, what: str, rows: int, tree: PrefixTree) -> Tensor:
        rng = generator(self.seed, "shared shift", what)
        return torch.randn(rows, tree.prefixes, tree.vocabulary, dtype=torch.float64, generator=rng)


class ShiftedPolicy(TablePolicy):
    """A policy over the sequences of a tree. ``module`` holds ``shared`` [kinds, P, V]; saved, it is the whole table."""

    def __init__(self, tree: PrefixTree, own: Tensor, shared: Tensor) -> None:
        super().__init__(tree, own)
        self.own = own.detach().clone()
        self.kind = torch.arange(len(own)) % len(shared)
        self.module = nn.ParameterDict({"shared": nn.Parameter(shared.detach().clone())})

    @property
    def logits(self) -> Tensor:
        return self.own + self.module["shared"][self.kind]
