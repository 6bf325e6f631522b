"""Grid: four moves on a rectangle, a reward for every step, and cells that end it.

    actions: up 0, right 1, down 2, left 3; a move off the grid stays. With probability ``slip`` the move is one of the four at random.
    Cells are numbered row by row. An end cell leads to itself at reward 0; entering one earns ``goal_reward`` besides ``step_reward``.

Source: Sutton and Barto 2018, example 4.1 (the defaults): 4 by 4, two opposite corners end it, -1 per step, undiscounted, so that the optimal value is minus
the number of steps to the nearer corner.
"""

from dataclasses import dataclass

import torch

from guerdon.errors import InputError
from guerdon.worlds.finite.decision_process import MDP

MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))


@dataclass(frozen=True)
class Grid:
    height: int = 4
    width: int = 4
    ends: tuple[tuple[int, int], ...] = ((0, 0), (3, 3))
    step_reward: float = -1.0
    goal_reward: float = 0.0
    slip: float = 0.0
    discount: float = 1.0

    def tables(self) -> MDP:
        if any(not (0 <= row < self.height and 0 <= column < self.width) for row, column in self.ends):
            raise InputError(f"an end of the grid, {self.ends}, is outside its {self.height} rows and {self.width} columns")
        states = self.height * self.width
        ends = {row * self.width + column for row, column in self.ends}
        moves = torch.zeros(states, 4, states, dtype=torch.float64)
        for row in range(self.height):
            for column in range(self.width):
                for action, (down, right) in enumerate(MOVES):
                    to_row = min(max(row + down, 0), self.height - 1)
                    to_column = min(max(column + right, 0), self.width - 1)
                    moves[row * self.width + column, action, to_row * self.width + to_column] = 1.0
        transition = (1 - self.slip) * moves + self.slip * moves.mean(1, keepdim=True)
        arrived = torch.zeros(states, dtype=torch.float64)
        arrived[list(ends)] = self.goal_reward
        reward = self.step_reward + transition @ arrived
        for end in ends:
            transition[end] = torch.eye(states, dtype=torch.float64)[end]
            reward[end] = 0.0
        initial = torch.tensor([0.0 if s in ends else 1.0 for s in range(states)], dtype=torch.float64)
        return MDP(transition, reward, initial / initial.sum(), self.discount)
