"""Revising: a writer and rows → the rows, with what their completions were made into.

A file is a way in which a model betters what was answered, its own words or another's, without anybody who labels it: what comes of it is learned from like a demonstration.
What is shown to the writer is fenced. A row says in ``why`` where revising broke off; its completion is then the last one that was had.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from guerdon.feedback.writers import Writer


class Revising(Protocol):
    """``rows`` hold ``prompt`` and ``completion``."""

    def __call__(self, writer: Writer, rows: Sequence[Mapping[str, Any]], seed: int = 0) -> list[dict[str, Any]]: ...
