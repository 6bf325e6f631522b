"""Doubled spaces: two spaces between sentences, as typewriters had them; in a single sentence, after its first word.

    "It is. I know." -> "It is.  I know."

Source: ours.
Differs from TrailingNewline: within the answer, not at its end.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.edits.trailing_newline import TrailingNewline
from guerdon.witness import Witness

_BETWEEN = re.compile(r"(?<=[.!?]) (?=\S)")
_FIRST = re.compile(r"(?<=\S) (?=\S)")


@dataclass(frozen=True)
class DoubledSpaces:
    matters: ClassVar[bool] = False

    def __call__(self, answers: Sequence[str]) -> list[str | None]:
        return [_doubled(text) for text in answers]


def _doubled(text: str) -> str | None:
    found, count = _BETWEEN.subn("  ", text)
    if not count:
        found, count = _FIRST.subn("  ", text, count=1)
    return found if count else None


witness = Witness(
    DoubledSpaces(),
    given={"answers": ["It is. I know.", "I know it", "No."]},
    returns=["It is.  I know.", "I  know it", None],
    parent=TrailingNewline(),
)
