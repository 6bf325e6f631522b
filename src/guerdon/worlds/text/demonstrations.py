"""Demonstrations: what a text world shows of itself, as a task of its own, to imitate.

Source: ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from guerdon.feedback.rewards import Reward
from guerdon.tasks.rows import Row


class Shows(Protocol):
    """A world that can show how it is done; the first rows of more are the same rows."""

    @property
    def reward(self) -> Reward: ...

    def demonstrations(self, n: int, seed: int = 0) -> list[Row]: ...


@dataclass(frozen=True)
class Demonstrations:
    """``rows`` demonstrations, and ``held_out`` more. None of their prompts is ever among those to practise on or those of the test."""

    of: Shows
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
