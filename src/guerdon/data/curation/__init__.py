"""Curation: rows with the scores of their completions → rows to learn from.

A scored row is ``{prompt, completions: [str or messages], scores: [float], ...}``; curation returns rows in a common
format (``prompt`` and ``completion``; ``prompt``, ``chosen`` and ``rejected``).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Curation(Protocol):
    """Scored rows → rows."""

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]: ...
