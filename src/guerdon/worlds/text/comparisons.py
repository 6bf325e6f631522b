"""Comparisons: the pairs that a text world's annotators have judged, as a task of its own, for reward models and DPO.

Source: ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from guerdon.tasks.rows import Row


class Compares(Protocol):
    """A world with annotators; the first rows of more are the same rows."""

    def comparisons(self, n: int, seed: int = 0) -> list[Row]: ...


@dataclass(frozen=True)
class Comparisons:
    """``rows`` comparisons, and ``held_out`` more. None of their prompts is ever among those to practise on or those of the test."""

    of: Compares
    rows: int = 1000
    held_out: int = 0
    seed: int = 0

    def train(self) -> Sequence[Row]:
        return self.of.comparisons(self.rows + self.held_out, self.seed)[: self.rows]

    def test(self) -> Sequence[Row]:
        return self.of.comparisons(self.rows + self.held_out, self.seed)[self.rows :]
