"""First letter: the beginning in lower case where it is in upper case, and the other way round.

    "It is." -> "it is."

Source: ours. Answers that begin with anything but a letter, or with a word in capitals (I, NASA), are left alone.
Differs from TypographicMarks: one letter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.edits.typographic_marks import TypographicMarks
from guerdon.witness import Witness


@dataclass(frozen=True)
class FirstLetter:
    matters: ClassVar[bool] = False

    def __call__(self, answers: Sequence[str]) -> list[str | None]:
        return [_swapped(text) for text in answers]


def _swapped(text: str) -> str | None:
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    if not word[:1].isalpha() or text[:1].isspace() or (word[0].isupper() and not any(c.islower() for c in word[1:])):
        return None
    swapped = text[0].swapcase() + text[1:]
    return None if swapped == text else swapped


witness = Witness(
    FirstLetter(),
    given={"answers": ["It is.", "it is.", "I am.", "42"]},
    returns=["it is.", "It is.", None, None],
    parent=TypographicMarks(),
)
