"""Racetrack: drive round a corner as fast as can be, without leaving the track. Speed is gained and lost by one a step, and sometimes not.

    velocity <- velocity + push, each of its two parts in 0..4, not both 0 but at the start; with probability ``slip`` the push is lost;   place <- place + velocity
    -1 for every step; off the track one is back at the start, at rest; it ends across the finishing line

State and observation: row, column (counted from the lower left), and the velocity's two parts. Actions: 9 pushes of -1, 0, 1 by -1, 0, 1, up first. The track goes up ``long``
rows, ``wide`` columns wide, and then to the right for ``long`` columns, ``wide`` rows high; the finish is its right end. The way of a step is looked at in four points. What is
best, ``tabulated`` and value iteration say.

Source: Sutton and Barto 2018, exercise 5.12 (the corner is ours); Barto, Bradtke and Singh 1995, for which a slip is a push that is lost.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, Discrete, Step
from guerdon.worlds.control._shared import SeenWhole, chances


@dataclass(frozen=True)
class Racetrack(SeenWhole):
    long: int = 9
    wide: int = 3
    slip: float = 0.1
    horizon: int = 200

    fastest: ClassVar[int] = 4
    begins: ClassVar[int] = 1
    actions: ClassVar[Discrete] = Discrete(9)

    @property
    def noise(self) -> int:
        return 1 if self.slip else 0

    @property
    def outcomes(self) -> list[tuple[float, float]]:
        """Numbers of the noise that stand for what may happen, and how probable each is."""
        return chances(self.slip)

    @property
    def observations(self) -> Box:
        far = self.long + self.wide - 1.0
        return Box((0.0,) * 4, (self.long - 1.0, far, self.fastest, self.fastest))

    def begin(self, uniforms: Tensor) -> Tensor:
        column = (uniforms[:, 0].double() * self.wide).floor().clamp(max=self.wide - 1)
        still = torch.zeros_like(column)
        return torch.stack([still, column, still, still], -1)

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        action = action.long().reshape(len(state))
        push = torch.stack([torch.div(action, 3, rounding_mode="floor") - 1, action % 3 - 1], -1).double()
        if self.slip:
            push = torch.where((uniforms[:, 0] < self.slip).unsqueeze(-1), 0.0, push)
        velocity = (state[:, 2:] + push).clamp(0, self.fastest)
        velocity = torch.where((velocity == 0).all(-1, keepdim=True) & (state[:, :1] > 0), state[:, 2:], velocity)
        out, over = torch.zeros(len(state), dtype=torch.bool), torch.zeros(len(state), dtype=torch.bool)
        for quarter in range(1, 5):
            here = (state[:, :2] + velocity * quarter / 4).round()
            over = over | (~out & self._finished(here))
            out = out | (~over & ~self._on(here))
        start = torch.zeros_like(state)
        start[:, 1] = self.wide // 2
        after = torch.where(out.unsqueeze(-1), start, torch.cat([state[:, :2] + velocity, velocity], -1))
        return Step(after, torch.full((len(state),), -1.0, dtype=torch.float64), over)

    def _on(self, place: Tensor) -> Tensor:
        row, column = place.unbind(-1)
        inside = (row >= 0) & (row < self.long) & (column >= 0)
        return inside & ((column < self.wide) | (row >= self.long - self.wide))

    def _finished(self, place: Tensor) -> Tensor:
        row, column = place.unbind(-1)
        return (column >= self.long + self.wide) & (row >= self.long - self.wide) & (row < self.long)
