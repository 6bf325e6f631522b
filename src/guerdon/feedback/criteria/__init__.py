"""Criteria: a writer and rows → for each row a rubric, or None where none came of it.

A file is where criteria come from: a reference answer, or what separates a better answer from a worse one. What the writer is shown is fenced. An item that repeats another
is dropped, and so is whatever is no item; a row of which nothing is left has None, and ``why`` of it is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from guerdon.feedback.rubric import Rubric
from guerdon.feedback.writers import Writer


@dataclass(frozen=True)
class Drawn:
    """What came of a row: the rubric, how many items were proposed, and why there is no rubric."""

    rubric: Rubric | None
    proposed: int = 0
    why: str = ""


class Criteria(Protocol):
    """``columns``: what a row has to hold."""

    columns: ClassVar[tuple[str, ...]]

    def __call__(self, writer: Writer, rows: Sequence[Mapping[str, Any]], seed: int = 0) -> list[Drawn]: ...
