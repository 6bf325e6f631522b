"""Tied table: contexts and prefixes that look alike share their logits: a policy that sees less than the world holds.

    logits[x, s] = table[looks[x, s]]        [C, P, V]; ``looks`` [C, P] says which of K information sets each prefix of each context belongs to, ``table`` [K, V] is trained

What a policy cannot tell apart it answers alike: a dialogue whose target is hidden, a state that several histories lead to, one of two agents that does not see what the other
does at the same time. ``looks`` is given as nested tuples, so that the specification stays a value.

Source: information sets, Kuhn 1953; in partially observed processes the memory that a policy has, Sutton and Barto 2018, section 17.3.
Differs from PrefixTable: a step is known by what is seen. With every look another one it is a PrefixTable.
Defaults: ``deviation`` 0 starts from the uniform policy; otherwise initial logits are drawn from N(0, deviation^2).
"""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator


@dataclass(frozen=True)
class TiedTable:
    looks: tuple[tuple[int, ...], ...]  # [contexts][prefixes]
    vocabulary: int
    depth: int
    end: int | None = None
    deviation: float = 0.0
    seed: int = 0

    def build(self) -> "TiedPolicy":
        tree = PrefixTree(self.vocabulary, self.depth, self.end)
        if any(len(row) != tree.prefixes or min(row) < 0 for row in self.looks) or not self.looks:
            raise InputError(
                f"TiedTable.looks must be a row of {tree.prefixes} numbers from 0 on for each context: what each prefix of {tree} looks like"
            )
        looks = torch.tensor(self.looks)
        draws = torch.randn(int(looks.max()) + 1, self.vocabulary, dtype=torch.float64, generator=generator(self.seed, "tied table"))
        return TiedPolicy(tree, self.deviation * draws, looks)


class TiedPolicy(TablePolicy):
    """A policy over the sequences of a tree. ``module`` holds ``table`` [K, V]; saved, it is the whole table of prefixes."""

    def __init__(self, tree: PrefixTree, table: Tensor, looks: Tensor) -> None:
        super().__init__(tree, table[looks])
        self.looks = looks
        self.module = nn.ParameterDict({"table": nn.Parameter(table.detach().clone())})

    @property
    def logits(self) -> Tensor:
        return self.module["table"][self.looks]

    def reference(self) -> "TiedPolicy":
        frozen = copy.deepcopy(self)
        frozen.module.requires_grad_(False)
        return frozen
