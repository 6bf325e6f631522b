"""Resource gathering: fetch gold and a gem and bring them home, past enemies who kill. Three objectives that pull apart.

    reward [B, 3] = (-1 for being killed, 1 for gold brought home, 1 for a gem brought home); actions: up 0, down 1, left 2, right 3

State and observation: row and column of 5 x 5, whether gold and gem are held. Home, where it begins and ends, is (4, 2); gold lies at (0, 2), the gem at (1, 4); enemies at (0, 3)
and (1, 2) kill who comes there with probability ``deadly``, which ends it. What is best for weights of the three, ``tabulated`` and value iteration say.

Source: Barrett and Narayanan 2008; MO-Gymnasium's resource-gathering-v0 (map, rewards and moves).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, Discrete, Step
from guerdon.worlds.control._shared import PAIRWISE, SeenWhole, chances

HOME, GOLD, GEM, ENEMIES = (4, 2), (0, 2), (1, 4), ((0, 3), (1, 2))


@dataclass(frozen=True)
class ResourceGathering(SeenWhole):
    deadly: float = 0.1
    horizon: int = 100

    begins: ClassVar[int] = 0
    noise: ClassVar[int] = 1
    observations: ClassVar[Box] = Box((0.0,) * 4, (4.0, 4.0, 1.0, 1.0))
    actions: ClassVar[Discrete] = Discrete(4)

    @property
    def outcomes(self) -> list[tuple[float, float]]:
        """Numbers of the noise that stand for what may happen, and how probable each is."""
        return chances(self.deadly)

    def begin(self, uniforms: Tensor) -> Tensor:
        return torch.tensor([*HOME, 0, 0], dtype=torch.float64).expand(len(uniforms), 4).clone()

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        place = (state[:, :2] + PAIRWISE[action.long().reshape(len(state))]).clamp(0, 4)
        held = torch.stack([state[:, 2 + k].bool() | _at(place, what) for k, what in enumerate((GOLD, GEM))], -1)
        met = _at(place, ENEMIES[0]) | _at(place, ENEMIES[1])
        killed, home = met & (uniforms[:, 0] < self.deadly), _at(place, HOME)
        reward = torch.cat([-killed.double().unsqueeze(-1), (held & home.unsqueeze(-1)).double()], -1)
        return Step(torch.cat([place, held.double()], -1), reward, killed | home)


def _at(place: Tensor, cell: tuple[int, int]) -> Tensor:
    return (place == torch.tensor(cell, dtype=place.dtype)).all(-1)
