"""Truncation: only the beginning, broken off in the middle of a sentence.

    "one two three four" -> "one two"        ``share`` of the words, the marks at the end taken off

Source: ours. Default 1/2: what is left says less and does not end. Answers of fewer than four words are left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.edits.trailing_newline import TrailingNewline
from guerdon.witness import Witness


@dataclass(frozen=True)
class Truncation:
    matters: ClassVar[bool] = True
    share: float = 0.5

    def __call__(self, answers: Sequence[str]) -> list[str | None]:
        return [self._cut(text) for text in answers]

    def _cut(self, text: str) -> str | None:
        words = text.split()
        if len(words) < 4:
            return None
        at = 0
        for word in words[: max(1, int(len(words) * self.share))]:
            at = text.index(word, at) + len(word)
        return text[:at].rstrip(" \n.,;:!?") or None


witness = (
    Witness(
        Truncation(),
        given={"answers": ["one two. three four.", "one  two\nthree four five", "a b c"]},
        returns=["one two", "one  two", None],
        parent=TrailingNewline(),
    ),
    Witness(Truncation(0.25), given={"answers": ["one two three four"]}, returns=["one"], parent=Truncation()),
)
