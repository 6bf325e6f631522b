"""Cliff: the short way lies along the edge, and a wind may blow over it.

    -1 for every step, -100 for one into the cliff, which leads back to the beginning; actions: up 0, right 1, down 2, left 3
    with probability ``wind`` a step goes down instead of where it was to go

State and observation: row and column of 4 x 12, from (3, 0); the cliff is what lies between there and the goal (3, 11), where it ends. Without wind the optimum is -13, along the
edge; how far from it is best otherwise, ``tabulated`` and value iteration say.

Source: Sutton and Barto 2018, example 6.6 (without wind); the wind is ours.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, Discrete, Step
from guerdon.worlds.control._shared import CLOCKWISE, SeenWhole, chances

_FIRST, _LAST = torch.tensor([3.0, 0.0], dtype=torch.float64), torch.tensor([3.0, 11.0], dtype=torch.float64)


@dataclass(frozen=True)
class Cliff(SeenWhole):
    wind: float = 0.0
    horizon: int = 200

    begins: ClassVar[int] = 0
    observations: ClassVar[Box] = Box((0.0, 0.0), (3.0, 11.0))
    actions: ClassVar[Discrete] = Discrete(4)

    @property
    def noise(self) -> int:
        return 1 if self.wind else 0

    @property
    def outcomes(self) -> list[tuple[float, float]]:
        """Numbers of the noise that stand for what may happen, and how probable each is."""
        return chances(self.wind)

    def begin(self, uniforms: Tensor) -> Tensor:
        return _FIRST.expand(len(uniforms), 2).clone()

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        action = action.long().reshape(len(state))
        if self.wind:
            action = torch.where(uniforms[:, 0] < self.wind, 2, action)
        there = (state + CLOCKWISE[action]).clamp(torch.zeros(2), _LAST)
        fallen = (there[:, 0] == 3) & (there[:, 1] > 0) & (there[:, 1] < 11)
        there = torch.where(fallen.unsqueeze(-1), _FIRST, there)
        return Step(there, torch.where(fallen, -100.0, -1.0).double(), (there == _LAST).all(-1))
