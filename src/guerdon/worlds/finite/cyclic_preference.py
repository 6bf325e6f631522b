"""Cyclic preference: each action beats those behind it on a circle and loses to those ahead, as in rock, paper, scissors.

    P(i beats j) = 1/2 + strength / 2  if (i - j) mod A is in 1..(A-1)/2,   1/2 - strength / 2 otherwise,   1/2 if i = j

No score explains it; the uniform policy is the only equilibrium.

Source: the intransitive preferences of Nash learning, arXiv 2312.00886, section 3.2, in their symmetric form.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.worlds.finite.preference import PreferenceGame


@dataclass(frozen=True)
class CyclicPreference(PreferenceGame):
    contexts: int = 1
    actions: int = 3
    strength: float = 1.0

    def preference(self) -> Tensor:
        if self.actions % 2 == 0 or not 0 <= self.strength <= 1:
            raise InputError(
                f"a cycle needs an odd number of actions and a strength in 0..1, not {self.actions} and {self.strength}: change CyclicPreference"
            )
        index = torch.arange(self.actions)
        ahead = (index.unsqueeze(-1) - index) % self.actions
        sign = torch.where(ahead == 0, 0.0, torch.where(ahead <= self.actions // 2, 1.0, -1.0)).double()
        return (0.5 + 0.5 * self.strength * sign).expand(self.contexts, -1, -1)
