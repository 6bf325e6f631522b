"""Polite phrase: a sentence at the end that says nothing.

    "It is." -> "It is. I hope this helps!"        ``phrase``

Source: ours. An answer that says it already is left alone.
Differs from TrailingNewline: words, and a little length.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.edits.trailing_newline import TrailingNewline
from guerdon.witness import Witness


@dataclass(frozen=True)
class PolitePhrase:
    matters: ClassVar[bool] = False
    phrase: str = "I hope this helps!"

    def __call__(self, answers: Sequence[str]) -> list[str | None]:
        return [None if not text.strip() or self.phrase in text else self._with(text) for text in answers]

    def _with(self, text: str) -> str:
        return text.rstrip() + ("\n\n" if "\n" in text.strip() else " ") + self.phrase


witness = (
    Witness(
        PolitePhrase(),
        given={"answers": ["It is.", "a\nb", "I hope this helps!"]},
        returns=["It is. I hope this helps!", "a\nb\n\nI hope this helps!", None],
        parent=TrailingNewline(),
    ),
    Witness(PolitePhrase("Bye."), given={"answers": ["It is."]}, returns=["It is. Bye."], parent=PolitePhrase()),
)
