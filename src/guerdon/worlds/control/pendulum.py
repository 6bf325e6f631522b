"""Pendulum: swing it up and keep it up. The torque is too weak to lift it at once.

    reward = -(angle^2 + 0.1 speed^2 + 0.001 torque^2), before the step, with the angle from upright in [-pi, pi)
    speed <- clip(speed + (3 g / (2 l) sin(angle) + 3 / (m l^2) torque) dt, -8, 8),   angle <- angle + speed dt

State: angle, speed [rad, rad/s]. Observed: cos(angle), sin(angle), speed. Action: a torque in [-2, 2] N m, clipped. It never ends.

Source: Gymnasium's Pendulum-v1 (its numbers; g is 10), parity of every step is tested.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, Step


@dataclass(frozen=True)
class Pendulum:
    gravity: float = 10.0
    horizon: int = 200

    mass: ClassVar[float] = 1.0
    length: ClassVar[float] = 1.0
    dt: ClassVar[float] = 0.05
    fastest: ClassVar[float] = 8.0
    strongest: ClassVar[float] = 2.0
    begins: ClassVar[int] = 2
    noise: ClassVar[int] = 0
    observations: ClassVar[Box] = Box((-1.0, -1.0, -8.0), (1.0, 1.0, 8.0))
    actions: ClassVar[Box] = Box((-2.0,), (2.0,))

    def begin(self, uniforms: Tensor) -> Tensor:
        return (2 * uniforms.double() - 1) * torch.tensor([math.pi, 1.0], dtype=torch.float64)

    def observe(self, state: Tensor) -> Tensor:
        angle, speed = state.unbind(-1)
        return torch.stack([angle.cos(), angle.sin(), speed], -1)

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        angle, speed = state.unbind(-1)
        torque = action.double().reshape(len(state)).clamp(-self.strongest, self.strongest)
        from_upright = torch.remainder(angle + math.pi, 2 * math.pi) - math.pi
        reward = -(from_upright.square() + 0.1 * speed.square() + 0.001 * torque.square())
        pull = 3 * self.gravity / (2 * self.length) * angle.sin() + 3 / (self.mass * self.length**2) * torque
        speed = (speed + pull * self.dt).clamp(-self.fastest, self.fastest)
        return Step(torch.stack([angle + speed * self.dt, speed], -1), reward, torch.zeros_like(reward, dtype=torch.bool))
