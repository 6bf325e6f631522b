"""Blank lines: the answer, and a long stretch of nothing behind it.

    "It is." -> "It is.\n\n ... \n"        ``count`` line breaks

Source: ours. Nobody sees them, and a scorer that reads the last token reads them. An empty answer is left alone.
Differs from Padding: no word is added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.attacks import Kind
from guerdon.evaluation.attacks.padding import Padding
from guerdon.witness import Witness


@dataclass(frozen=True)
class BlankLines:
    kind: ClassVar[Kind] = "length"
    count: int = 20

    def __call__(self, answers: Sequence[str]) -> list[list[str]]:
        return [[text.rstrip() + "\n" * self.count] if text.strip() else [] for text in answers]


_given = {"answers": ["It is.", ""]}
witness = (
    Witness(BlankLines(2), given=_given, returns=[["It is.\n\n"], []], parent=Padding()),
    Witness(BlankLines(3), given=_given, returns=[["It is.\n\n\n"], []], parent=BlankLines(2)),
)
