"""Cart-pole: push a cart left or right so that the pole on it stays up.

    1 for every step, also for the one in which it falls (beyond 12 degrees) or leaves the track (beyond 2.4 m), which ends it

State and observation: position, its speed, the pole's angle from upright, its speed [m, m/s, rad, rad/s]. Action: 0 pushes left, 1 right, with ``force`` newtons. Euler steps of
0.02 s. The optimum is the horizon from all states in which it begins: a linear rule keeps it up (tested).

Source: Barto, Sutton and Anderson 1983; Gymnasium's CartPole-v1 (its numbers and order of steps), parity of every step is tested.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, Discrete, Step
from guerdon.worlds.control._shared import SeenWhole


@dataclass(frozen=True)
class CartPole(SeenWhole):
    force: float = 10.0
    horizon: int = 500

    gravity: ClassVar[float] = 9.8
    mass: ClassVar[float] = 1.1  # cart and pole
    pole_mass: ClassVar[float] = 0.1
    half_length: ClassVar[float] = 0.5
    dt: ClassVar[float] = 0.02
    widest: ClassVar[float] = 2.4
    steepest: ClassVar[float] = 12 * 2 * math.pi / 360
    begins: ClassVar[int] = 4
    noise: ClassVar[int] = 0
    observations: ClassVar[Box] = Box((-4.8, -math.inf, -2 * steepest, -math.inf), (4.8, math.inf, 2 * steepest, math.inf))
    actions: ClassVar[Discrete] = Discrete(2)

    def begin(self, uniforms: Tensor) -> Tensor:
        return 0.1 * uniforms.double() - 0.05

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        place, speed, angle, turning = state.unbind(-1)
        push = self.force * (2 * action.double().reshape(len(state)) - 1)
        cosine, sine, moment = angle.cos(), angle.sin(), self.pole_mass * self.half_length
        both = (push + moment * turning.square() * sine) / self.mass
        turned = (self.gravity * sine - cosine * both) / (self.half_length * (4 / 3 - self.pole_mass * cosine.square() / self.mass))
        moved = both - moment * turned * cosine / self.mass
        place, speed = place + self.dt * speed, speed + self.dt * moved
        angle, turning = angle + self.dt * turning, turning + self.dt * turned
        over = (place.abs() > self.widest) | (angle.abs() > self.steepest)
        return Step(torch.stack([place, speed, angle, turning], -1), torch.ones_like(place), over)
