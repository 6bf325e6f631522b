"""Double integrator: bring a mass to rest at the origin in the least time, and keep to a speed limit meanwhile. A constraint that costs time, with both optima known.

    speed <- speed + dt push,   place <- place + dt speed (the mean of before and after);   -1 for every step; cost 1 for one after which |speed| > ``limit``

State and observation: place and speed [m, m/s]. Action: a push in [-1, 1] m/s^2, clipped. It begins at rest, between ``near`` and ``far`` metres to the left, and ends where it is
within 0.05 m and 0.1 m/s of rest at the origin. In continuous time the fastest way takes 2 sqrt(d) seconds, from d metres away, pushing all the way there and back; within the
limit d / limit + limit, if that speed is reached at all (``seconds``).

Source: the minimum-time double integrator, Bryson and Ho 1975, section 3.9; the limit as the bound of a constrained decision process, Altman 1999.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, Step
from guerdon.worlds.control._shared import SeenWhole


@dataclass(frozen=True)
class DoubleIntegrator(SeenWhole):
    limit: float = 0.6
    near: float = 1.0
    far: float = 2.0
    horizon: int = 100

    dt: ClassVar[float] = 0.1
    close: ClassVar[float] = 0.05
    slow: ClassVar[float] = 0.1
    begins: ClassVar[int] = 1
    noise: ClassVar[int] = 0
    observations: ClassVar[Box] = Box((float("-inf"),) * 2, (float("inf"),) * 2)
    actions: ClassVar[Box] = Box((-1.0,), (1.0,))

    def seconds(self, distance: Tensor, limited: bool) -> Tensor:
        """The least time from rest to rest, in continuous time."""
        free = 2 * distance.sqrt()
        return torch.where(distance.sqrt() > self.limit, distance / self.limit + self.limit, free) if limited else free

    def begin(self, uniforms: Tensor) -> Tensor:
        place = -(self.near + (self.far - self.near) * uniforms.double()[:, 0])
        return torch.stack([place, torch.zeros_like(place)], -1)

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        place, before = state.unbind(-1)
        speed = before + self.dt * action.double().reshape(len(state)).clamp(-1, 1)
        place = place + self.dt * (before + speed) / 2
        there = (place.abs() <= self.close) & (speed.abs() <= self.slow)
        return Step(torch.stack([place, speed], -1), torch.full_like(place, -1.0), there, (speed.abs() > self.limit).double())
