"""Conversions: rows of one shape → rows of another, and how many were left out for which reason.

A part says which shape it ``reads`` and which it ``gives``; ``data.converting`` finds the way between two shapes. Columns that it does not know go on.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from guerdon.data.conversions._converted import Converted


class Conversion(Protocol):
    """Rows → rows, with what was left out."""

    reads: ClassVar[str]
    gives: ClassVar[str]

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted: ...
