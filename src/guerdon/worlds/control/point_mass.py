"""Point mass: push a mass on a plane to the origin and have it rest there, at quadratic cost, with an optimum in closed form.

    place <- place + dt speed + dt^2 / 2 push,   speed <- speed + dt push + ``wind`` * normal noise
    reward = -(|place|^2 + 0.1 |speed|^2 + ``effort`` |push|^2), before the step

State and observation: place and speed, ``dimensions`` of each. Action: a push without bounds. It never ends. It begins anywhere in [-1, 1] of each, at rest.

Source: ours; a double integrator with quadratic costs, of which ``exact.solvers.riccati`` gives the optimal policy and its value (Kalman 1960).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, Step
from guerdon.worlds.control._shared import SeenWhole


@dataclass(frozen=True)
class PointMass(SeenWhole):
    dimensions: int = 2
    effort: float = 0.1
    wind: float = 0.0
    horizon: int = 100

    dt: ClassVar[float] = 0.1

    @property
    def observations(self) -> Box:
        return Box((-math.inf,) * 2 * self.dimensions, (math.inf,) * 2 * self.dimensions)

    @property
    def actions(self) -> Box:
        return Box((-math.inf,) * self.dimensions, (math.inf,) * self.dimensions)

    @property
    def begins(self) -> int:
        return self.dimensions

    @property
    def noise(self) -> int:
        return self.dimensions if self.wind else 0

    def linear(self) -> dict[str, Tensor]:
        """What a solver reads: ``moves`` [S, S], ``pushed`` [S, A], ``state_cost`` [S, S], ``action_cost`` [A, A], ``noise`` [S, S], its covariance."""
        one, nothing = torch.eye(self.dimensions, dtype=torch.float64), torch.zeros(self.dimensions, self.dimensions, dtype=torch.float64)
        return {
            "moves": torch.cat([torch.cat([one, self.dt * one], 1), torch.cat([nothing, one], 1)]),
            "pushed": torch.cat([self.dt**2 / 2 * one, self.dt * one]),
            "state_cost": torch.block_diag(one, 0.1 * one),
            "action_cost": self.effort * one,
            "noise": torch.block_diag(nothing, self.wind**2 * one),
        }

    def begin(self, uniforms: Tensor) -> Tensor:
        place = 2 * uniforms.double() - 1
        return torch.cat([place, torch.zeros_like(place)], -1)

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        place, speed = state.chunk(2, -1)
        push = action.double().reshape(len(state), self.dimensions)
        cost = place.square().sum(-1) + 0.1 * speed.square().sum(-1) + self.effort * push.square().sum(-1)
        after = torch.cat([place + self.dt * speed + self.dt**2 / 2 * push, speed + self.dt * push], -1)
        if self.wind:
            after[:, self.dimensions :] += self.wind * torch.special.ndtri(uniforms.double().clamp(1e-12, 1 - 1e-12))
        return Step(after, -cost, torch.zeros(len(state), dtype=torch.bool))
