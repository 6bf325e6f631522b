"""File: the order of the file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class File:
    moves: ClassVar[bool] = False

    def __call__(self, rows: Sequence[Any], items: Sequence[Any], answers: Mapping[int, Any], kind: Any, seed: int) -> Sequence[int]:
        return range(len(rows))
