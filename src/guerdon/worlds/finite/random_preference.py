"""Random preference: each pair of actions has a win probability of its own, so that cycles are the rule.

    P(i beats j) ~ U(0, 1) for i < j,   P(j beats i) = 1 - P(i beats j),   P(i beats i) = 1/2

Source: the general preference model of Nash learning, arXiv 2312.00886, section 3; the uniform draw is ours.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.randomness import generator
from guerdon.worlds.finite.enumerable import table
from guerdon.worlds.finite.preference import PreferenceGame, antisymmetric


@dataclass(frozen=True)
class RandomPreference(PreferenceGame):
    contexts: int = 1
    actions: int = 3
    seed: int = 0
    given: tuple[tuple[float, ...], ...] | None = None  # [actions][actions], of which the part above the diagonal is read; None: drawn

    def preference(self) -> Tensor:
        if self.given is not None:
            upper = table(self.given, (self.actions, self.actions), "RandomPreference.given")
            return antisymmetric(upper).expand(self.contexts, -1, -1)
        rng = generator(self.seed, "random preference")
        return antisymmetric(torch.rand(self.contexts, self.actions, self.actions, dtype=torch.float64, generator=rng))
