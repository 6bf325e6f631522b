"""Demonstrations: solved problems of a task as a task of their own, to imitate.

Source: ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.feedback.rewards import Reward
from guerdon.tasks.rows import Row
from guerdon.worlds.text._problems import Problems


@dataclass(frozen=True)
class Demonstrations:
    """``rows`` solved problems, and ``held_out`` more. None of them is ever among the problems to practise on or those of the test."""

    of: Problems
    rows: int = 300
    held_out: int = 0
    seed: int = 0

    def train(self) -> Sequence[Row]:
        return self.of.demonstrations(self.rows + self.held_out, self.seed)[: self.rows]

    def test(self) -> Sequence[Row]:
        return self.of.demonstrations(self.rows + self.held_out, self.seed)[self.rows :]

    @property
    def reward(self) -> Reward | None:
        return self.of.reward
