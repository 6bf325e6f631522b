"""Labels: a row that somebody has judged → what was asked and answered, and what each answer is worth.

A worth is a number from 0, the worst, to 1, the best. Worths of one row can be compared with each other; those of ``rating`` also with those of other rows. A part says by which
columns its rows are known (``told_by``: any of these sets).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol


@dataclass(frozen=True)
class Labelled:
    """What a row says: ``answers``, each a text or messages, and of each what it is worth."""

    prompt: Any
    answers: tuple[Any, ...]
    worth: tuple[float, ...]


class Labels(Protocol):
    """One row → what it says.

    Raises:
        InputError: it has no label, or one that cannot be read; the sentence does not name the row.
    """

    told_by: ClassVar[tuple[frozenset[str], ...]]

    def __call__(self, row: Mapping[str, Any]) -> Labelled: ...
