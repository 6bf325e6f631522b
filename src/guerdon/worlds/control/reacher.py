"""Reacher: an arm of two links, whose joints are turned, and a target that its tip is to touch, another in every episode.

    angle <- angle + turn * dt of each joint;   -1 for every step, 0 for the one after which the tip is within ``reach`` of the target, which ends it

State: both angles, the second from the first, and the target's x, y, links of 1 m each. Observed: cosines and sines of the angles, the target, and the way from the tip to it.
Action: turns in [-1, 1] rad/s, clipped. The arm begins stretched along x, targets lie evenly in the disc that it can touch. The fewest steps follow from the two postures that
touch a target (``steps``), up to what ``reach`` spares.

Source: ours, after Gymnasium's Reacher, without masses; the postures are the arm's inverse kinematics (Craig 2005, section 4.4).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, Step


@dataclass(frozen=True)
class Reacher:
    reach: float = 0.05
    horizon: int = 100

    dt: ClassVar[float] = 0.1
    begins: ClassVar[int] = 2
    noise: ClassVar[int] = 0
    observations: ClassVar[Box] = Box((-1.0,) * 4 + (-2.0,) * 2 + (-4.0,) * 2, (1.0,) * 4 + (2.0,) * 2 + (4.0,) * 2)
    actions: ClassVar[Box] = Box((-1.0, -1.0), (1.0, 1.0))

    def tip(self, state: Tensor) -> Tensor:
        """[B, 2], where the arm ends."""
        first, both = state[:, 0], state[:, 0] + state[:, 1]
        return torch.stack([first.cos() + both.cos(), first.sin() + both.sin()], -1)

    def turns(self, state: Tensor) -> Tensor:
        """[B, 2], by how much each joint is to be turned so that the tip touches the target: of the two postures, that which is nearer."""
        x, y = state[:, 2], state[:, 3]
        cosine = ((x.square() + y.square() - 2) / 2).clamp(-1, 1)
        ways = []
        for second in (cosine.acos(), -cosine.acos()):
            first = torch.atan2(y, x) - torch.atan2(second.sin(), 1 + second.cos())
            ways.append(torch.stack([_shortest(first - state[:, 0]), _shortest(second - state[:, 1])], -1))
        one, other = ways
        return torch.where((one.abs().amax(-1) <= other.abs().amax(-1)).unsqueeze(-1), one, other)

    def steps(self, state: Tensor) -> Tensor:
        """[B], how many steps touch the target itself: those of the joint that has farther to turn."""
        return (self.turns(state).abs().amax(-1) / self.dt - 1e-9).ceil()

    def begin(self, uniforms: Tensor) -> Tensor:
        radius, angle = 2 * uniforms.double()[:, 0].sqrt(), 2 * math.pi * uniforms.double()[:, 1]
        still = torch.zeros_like(radius)
        return torch.stack([still, still, radius * angle.cos(), radius * angle.sin()], -1)

    def observe(self, state: Tensor) -> Tensor:
        angles, target = state[:, :2], state[:, 2:]
        return torch.cat([angles.cos(), angles.sin(), target, target - self.tip(state)], -1)

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        angles = state[:, :2] + self.dt * action.double().clamp(-1, 1)
        state = torch.cat([angles, state[:, 2:]], -1)
        there = torch.linalg.vector_norm(self.tip(state) - state[:, 2:], dim=-1) <= self.reach
        return Step(state, there.double() - 1, there)


def _shortest(angle: Tensor) -> Tensor:
    """The same turn, in [-pi, pi)."""
    return torch.remainder(angle + math.pi, 2 * math.pi) - math.pi
