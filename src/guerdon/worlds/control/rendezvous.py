"""Rendezvous: two agents in a maze who want to meet, each of whom moves at once. Both earn the same; neither can do it alone as fast.

    -1 for every step, 0 for the one after which both are in one cell, which ends it; actions [B, 2]: up 0, right 1, down 2, left 3, stay 4, into a wall one stays

State and observation: row and column of the first, and of the second. The maze is that of ``goal_maze``, they begin in any two cells. Who pass each other on the way have not met:
the fewest steps are half the way between them, rounded up (``steps``).

Source: ours, a rendezvous problem with known places (Alpern 1995) as a cooperative game of two.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, MultiDiscrete, Step
from guerdon.worlds.control._shared import SeenWhole
from guerdon.worlds.control.goal_maze import GoalMaze


@dataclass(frozen=True)
class Rendezvous(SeenWhole):
    width: int = 5
    height: int = 5
    horizon: int = 50
    seed: int = 0

    noise: ClassVar[int] = 0
    begins: ClassVar[int] = 2
    actions: ClassVar[MultiDiscrete] = MultiDiscrete((5, 5))

    @cached_property
    def maze(self) -> GoalMaze:
        return GoalMaze(self.width, self.height, seed=self.seed)

    @property
    def observations(self) -> Box:
        return self.maze.observations

    def steps(self, state: Tensor) -> Tensor:
        """[B], the fewest steps until both meet."""
        return (self.maze.steps[self.maze.cells(state)] / 2).ceil()

    def begin(self, uniforms: Tensor) -> Tensor:
        return self.maze.begin(uniforms)

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        cells = torch.stack(self.maze.cells(state), -1)
        stay = torch.arange(self.width * self.height).unsqueeze(-1)
        there = torch.cat([self.maze.after, stay], -1)[cells, action.long().reshape(len(state), 2)]
        met = there[:, 0] == there[:, 1]
        return Step(torch.cat([self.maze.where(there[:, 0]), self.maze.where(there[:, 1])], -1), met.double() - 1, met)
