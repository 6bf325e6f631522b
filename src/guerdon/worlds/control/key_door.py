"""Key and door: fetch the key, open the door between two rooms with it, and reach the goal behind it. A reward that comes late, after a thing to be done first.

    1 at the goal, else 0, less ``cost`` for every step; actions: up 0, right 1, down 2, left 3. The key is taken where it lies, and a door is passed with it only

State and observation: row, column, and whether the key is held. Rooms of ``size`` x ``size`` lie side by side with a wall of one column between them; the key lies in the upper
right corner of the left room, the door in the wall's lowest row, the goal in the upper right corner of the right room. It begins anywhere in the left room. What is best is to
walk: see ``steps``.

Source: ours, after Minigrid's DoorKey, without turning, and without actions for taking and opening.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.worlds.control import Box, Discrete, Step
from guerdon.worlds.control._shared import CLOCKWISE, SeenWhole


@dataclass(frozen=True)
class KeyDoor(SeenWhole):
    size: int = 4
    cost: float = 0.01
    horizon: int = 100

    begins: ClassVar[int] = 1
    noise: ClassVar[int] = 0
    actions: ClassVar[Discrete] = Discrete(4)

    @property
    def observations(self) -> Box:
        return Box((0.0, 0.0, 0.0), (self.size - 1.0, 2.0 * self.size, 1.0))

    def steps(self, state: Tensor) -> Tensor:
        """[B], how many steps the shortest way takes: to the key where it is not held, to the door, to the goal."""
        row, column, held = state.unbind(-1)
        last, right = self.size - 1, 2 * self.size
        to_door = last - row + self.size - column
        from_door = last + right - self.size
        by_key = row + (last - column).abs() + last + 1 + from_door
        return torch.where(column > self.size, row + right - column, torch.where(held > 0, to_door + from_door, by_key))

    def begin(self, uniforms: Tensor) -> Tensor:
        cell = (uniforms[:, 0].double() * self.size**2).floor().clamp(max=self.size**2 - 1)
        row, column = torch.div(cell, self.size, rounding_mode="floor"), cell.remainder(self.size)
        return self._taken(torch.stack([row, column, torch.zeros_like(row)], -1))

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step:
        place = state[:, :2] + CLOCKWISE[action.long().reshape(len(state))]
        place = place.clamp(torch.zeros(2, dtype=torch.float64), torch.tensor([self.size - 1.0, 2.0 * self.size], dtype=torch.float64))
        door = (place[:, 0] == self.size - 1) & (state[:, 2] > 0)
        shut = (place[:, 1] == self.size) & ~door
        state = self._taken(torch.cat([torch.where(shut.unsqueeze(-1), state[:, :2], place), state[:, 2:]], -1))
        there = (state[:, 0] == 0) & (state[:, 1] == 2 * self.size)
        return Step(state, there.double() - self.cost, there)

    def _taken(self, state: Tensor) -> Tensor:
        """The key is held where it lay."""
        here = (state[:, 0] == 0) & (state[:, 1] == self.size - 1)
        return torch.cat([state[:, :2], torch.where(here, 1.0, state[:, 2]).unsqueeze(-1)], -1)
