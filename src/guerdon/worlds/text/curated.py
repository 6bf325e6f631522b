"""Curated: the rows of another task, as a curation leaves them, as a task of its own.

    Curated(Comparisons(world), GradedRemoval())        # further data for a term: FitJob(..., streams={"degrees": Curated(...)})

Source: ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from guerdon.data.curation import Curation
from guerdon.tasks.rows import Row


@dataclass(frozen=True)
class Curated:
    """The training rows of ``of`` after ``by``. Nothing is held out: what is judged is judged as it came."""

    of: Any
    by: Curation

    def train(self) -> Sequence[Row]:
        return self._made

    def test(self) -> Sequence[Row]:
        return []

    @property
    def reward(self) -> None:
        return None

    @cached_property
    def _made(self) -> list[Row]:
        return self.by(rows=list(self.of.train()))
