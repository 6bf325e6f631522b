"""Tabular: a softmax over A actions for each of C contexts, one step: the policy of a bandit or a matrix game.

    pi(a | x) = softmax(logits[x])[a]        float64

Source: Sutton and Barto 2018, section 2.8, eq. 2.11 (gradient bandits).
Differs from PrefixTable: one step; the initial logits may be given.
Defaults: ``logits`` None and ``deviation`` 0 start from the uniform policy; otherwise initial logits are drawn from N(0, deviation^2).
"""

from dataclasses import dataclass

import torch

from guerdon.errors import InputError
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator


@dataclass(frozen=True)
class Tabular:
    contexts: int
    actions: int
    logits: tuple[tuple[float, ...], ...] | None = None  # [contexts][actions]
    deviation: float = 0.0
    seed: int = 0

    def build(self) -> TablePolicy:
        if self.logits is None:
            draws = torch.randn(self.contexts, 1, self.actions, dtype=torch.float64, generator=generator(self.seed, "tabular"))
            return TablePolicy(PrefixTree(self.actions), self.deviation * draws)
        if len(self.logits) != self.contexts or any(len(row) != self.actions for row in self.logits):
            raise InputError(f"Tabular.logits must be {self.contexts} rows of {self.actions} numbers, one row per context")
        return TablePolicy(PrefixTree(self.actions), torch.tensor(self.logits, dtype=torch.float64).unsqueeze(1))
