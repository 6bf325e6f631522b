"""Plain markdown: headers, bold type and bullets taken out; the words stay.

    "# So\n- **one**\n- two" -> "So\none\ntwo"

Source: ours; the marks are those by which the Chatbot Arena controls for style (Li, Angelopoulos and Chiang 2024).
Differs from BoldStart: marks are taken away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.edits._marks import BOLD, BULLET, HEADER
from guerdon.evaluation.edits.typographic_marks import TypographicMarks
from guerdon.witness import Witness


@dataclass(frozen=True)
class PlainMarkdown:
    matters: ClassVar[bool] = False

    def __call__(self, answers: Sequence[str]) -> list[str | None]:
        found = [BOLD.sub(r"\2", BULLET.sub(r"\1", HEADER.sub("", text))) for text in answers]
        return [None if plain == text or not plain.strip() else plain for plain, text in zip(found, answers, strict=True)]


witness = Witness(
    PlainMarkdown(),
    given={"answers": ["# So\n- **one**\n- two", "2 * 3 * 4 = 24"]},
    returns=["So\none\ntwo", None],
    parent=TypographicMarks(),
)
