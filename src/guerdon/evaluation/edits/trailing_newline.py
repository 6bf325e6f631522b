"""Trailing newline: a line break at the end.

    "Yes." -> "Yes.\n"

Source: ours; scorers read the last token, and this moves it. An answer that ends with white space already is left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.witness import Witness


@dataclass(frozen=True)
class TrailingNewline:
    matters: ClassVar[bool] = False

    def __call__(self, answers: Sequence[str]) -> list[str | None]:
        return [None if not text or text[-1].isspace() else text + "\n" for text in answers]


witness = Witness(TrailingNewline(), given={"answers": ["Yes.", "No.\n", ""]}, returns=["Yes.\n", None, None])
