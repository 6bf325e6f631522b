"""Mountain car: a car too weak for the hill has to swing back first.

    speed <- clip(speed + push - 0.0025 cos(3 place), -0.07, 0.07),   place <- clip(place + speed, -1.2, 0.6); at the left end it stops

    discrete      actions 0, 1, 2 push by -0.001, 0, 0.001; -1 for every step; the goal is at 0.5
    continuous    an action a in [-1, 1] pushes by 0.0015 a; -0.1 a^2 for every step, and 100 at the goal, at 0.45

State and observation: place, speed. It ends at the goal. The optimum is found by value iteration between the points of a grid (``exact.solvers.gridded``).

Source: Moore 1990; Gymnasium's MountainCar-v0 and MountainCarContinuous-v0 (their numbers), parity of every step is tested.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, Discrete, Step
from guerdon.worlds.control._shared import SeenWhole


@dataclass(frozen=True)
class MountainCar(SeenWhole):
    continuous: bool = False
    horizon: int = 200

    begins: ClassVar[int] = 1
    noise: ClassVar[int] = 0
    observations: ClassVar[Box] = Box((-1.2, -0.07), (0.6, 0.07))

    @property
    def actions(self) -> Box | Discrete:
        return Box((-1.0,), (1.0,)) if self.continuous else Discrete(3)

    @property
    def goal(self) -> float:
        return 0.45 if self.continuous else 0.5

    def begin(self, uniforms: Tensor) -> Tensor:
        place = 0.2 * uniforms.double()[:, 0] - 0.6
        return torch.stack([place, torch.zeros_like(place)], -1)

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        place, speed = state.unbind(-1)
        action = action.double().reshape(len(state))
        push = 0.0015 * action.clamp(-1, 1) if self.continuous else 0.001 * (action - 1)
        speed = (speed + push - 0.0025 * (3 * place).cos()).clamp(-0.07, 0.07)
        place = (place + speed).clamp(-1.2, 0.6)
        speed = torch.where((place == -1.2) & (speed < 0), 0.0, speed)
        there = (place >= self.goal) & (speed >= 0)
        reward = 100.0 * there - 0.1 * action.square() if self.continuous else torch.full_like(place, -1.0)
        return Step(torch.stack([place, speed], -1), reward, there)
