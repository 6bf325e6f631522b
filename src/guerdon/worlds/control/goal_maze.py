"""Goal maze: walk to a goal that is another in every episode, and told. For goals that are learned from what was reached (hindsight).

    -1 for every step, 0 for the one that arrives; actions: up 0, right 1, down 2, left 3; into a wall one stays

State and observation: row, column, and the goal's. Of ``width`` x ``height`` cells, carved by ``seed`` so that exactly one way joins any two, place and goal are any two.
``reached`` and ``rewards`` say what a step would have been worth to another goal. ``steps`` [cells, cells] is the length of every way, so that what is best is known.

Source: ours; goals in the observation and rewards of any goal as in hindsight experience replay, arXiv 1707.01495, section 3. The maze is carved as that of ``worlds.games.maze``.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, Discrete, Step
from guerdon.worlds.control._shared import CLOCKWISE, SeenWhole
from guerdon.worlds.games.maze import Maze


@dataclass(frozen=True)
class GoalMaze(SeenWhole):
    width: int = 8
    height: int = 8
    horizon: int = 100
    seed: int = 0

    begins: ClassVar[int] = 2
    noise: ClassVar[int] = 0
    actions: ClassVar[Discrete] = Discrete(4)

    @property
    def observations(self) -> Box:
        highest = self.height - 1.0, self.width - 1.0
        return Box((0.0,) * 4, highest * 2)

    @cached_property
    def after(self) -> Tensor:
        """[cells, 4], where each move leads to; cells are counted row by row."""
        ways = Maze(self.width, self.height, seed=self.seed).open
        rows = []
        for row in range(self.height):
            for column in range(self.width):
                there = [(column + right, row + down) for down, right in CLOCKWISE.long().tolist()]
                rows.append([y * self.width + x if ((column, row), (x, y)) in ways else row * self.width + column for x, y in there])
        return torch.tensor(rows)

    @cached_property
    def steps(self) -> Tensor:
        """[cells, cells], how long the way from one to another is."""
        cells = self.width * self.height
        far = torch.full((cells, cells), float(cells), dtype=torch.float64).fill_diagonal_(0.0)
        for _ in range(cells):
            far = torch.minimum(far, 1 + far[self.after].amin(1))
        return far

    def cells(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """[B] and [B], the cells of place and goal."""
        state = state.long()
        return state[:, 0] * self.width + state[:, 1], state[:, 2] * self.width + state[:, 3]

    def begin(self, uniforms: Tensor) -> Tensor:
        count = self.width * self.height
        place = (uniforms[:, 0].double() * count).long().clamp(max=count - 1)
        other = (uniforms[:, 1].double() * (count - 1)).long().clamp(max=count - 2)
        return torch.cat([self.where(place), self.where(other + (other >= place))], -1)  # the goal is no place that one is at

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        place, _ = self.cells(state)
        state = torch.cat([self.where(self.after[place, action.long().reshape(len(state))]), state[:, 2:]], -1)
        reward = self.rewards(self.reached(state), state[:, 2:])
        return Step(state, reward, reward == 0)

    def reached(self, state: Tensor) -> Tensor:
        """[B, 2], the goal that is reached in a state."""
        return state[:, :2]

    def rewards(self, reached: Tensor, goal: Tensor) -> Tensor:
        """[B], what it is worth to have reached one goal for who wants another."""
        return (reached == goal).all(-1).double() - 1

    def where(self, cell: Tensor) -> Tensor:
        """[B, 2], row and column of cells."""
        return torch.stack([torch.div(cell, self.width, rounding_mode="floor"), cell % self.width], -1).double()
