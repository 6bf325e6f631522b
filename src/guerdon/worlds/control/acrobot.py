"""Acrobot: two links, and a motor only where they join; swing the tip above the bar.

    -1 for every step, 0 for the one that gets there: -cos(first) - cos(first + second) > 1

State: the first link's angle from hanging, the second's from the first, and their speeds [rad, rad/s]. Observed: cosines and sines of both angles, speeds. Actions 0, 1, 2 are
torques of -1, 0, 1 N m. One step of Runge and Kutta's fourth order of 0.2 s; angles are wrapped to [-pi, pi], speeds clipped to 4 pi and 9 pi.

Source: Sutton 1996; Gymnasium's Acrobot-v1 (the book's dynamics, Sutton and Barto 1998, section 11.3), parity of every step is tested.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, Discrete, Step

_FASTEST = (4 * math.pi, 9 * math.pi)


@dataclass(frozen=True)
class Acrobot:
    horizon: int = 500

    gravity: ClassVar[float] = 9.8
    dt: ClassVar[float] = 0.2
    begins: ClassVar[int] = 4
    noise: ClassVar[int] = 0
    observations: ClassVar[Box] = Box((-1.0, -1.0, -1.0, -1.0, -_FASTEST[0], -_FASTEST[1]), (1.0, 1.0, 1.0, 1.0, *_FASTEST))
    actions: ClassVar[Discrete] = Discrete(3)

    def begin(self, uniforms: Tensor) -> Tensor:
        return 0.2 * uniforms.double() - 0.1

    def observe(self, state: Tensor) -> Tensor:
        first, second, *speeds = state.unbind(-1)
        return torch.stack([first.cos(), first.sin(), second.cos(), second.sin(), *speeds], -1)

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        torque, h = action.double().reshape(len(state)) - 1, self.dt
        one = self._flow(state, torque)
        two = self._flow(state + h / 2 * one, torque)
        three = self._flow(state + h / 2 * two, torque)
        four = self._flow(state + h * three, torque)
        first, second, *speeds = (state + h / 6 * (one + 2 * two + 2 * three + four)).unbind(-1)
        first, second = _wrapped(first), _wrapped(second)
        speeds = [speed.clamp(-bound, bound) for speed, bound in zip(speeds, _FASTEST, strict=True)]
        there = -first.cos() - (first + second).cos() > 1
        return Step(torch.stack([first, second, *speeds], -1), there.double() - 1, there)

    def _flow(self, state: Tensor, torque: Tensor) -> Tensor:
        """d state / dt, for links of 1 kg and 1 m with their centres in the middle and a moment of inertia of 1."""
        first, second, speed, turning = state.unbind(-1)
        near = 1.25 + second.cos() + 0.25 + 2
        far = 0.25 + 0.5 * second.cos() + 1
        weight_far = 0.5 * self.gravity * (first + second - math.pi / 2).cos()
        weight = (
            -0.5 * (turning.square() + 2 * turning * speed) * second.sin() + 1.5 * self.gravity * (first - math.pi / 2).cos() + weight_far
        )
        bent = (torque + far / near * weight - 0.5 * speed.square() * second.sin() - weight_far) / (1.25 - far.square() / near)
        return torch.stack([speed, turning, -(far * bent + weight) / near, bent], -1)


def _wrapped(angle: Tensor) -> Tensor:
    """In [-pi, pi]; what is there already stays what it is."""
    turns = torch.where(angle > math.pi, ((angle - math.pi) / (2 * math.pi)).ceil(), 0.0)
    turns = torch.where(angle < -math.pi, ((angle + math.pi) / (2 * math.pi)).floor(), turns)
    return angle - turns * 2 * math.pi
