"""Bold start: the first sentence in bold type.

    "It is. I know." -> "**It is.** I know."

Source: ours; bold type is one of the marks by which the Chatbot Arena controls for style (Li, Angelopoulos and Chiang 2024). Answers with bold type already, and
those that begin with a mark of markdown, are left alone.
Differs from PlainMarkdown: a mark is added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.edits._marks import BOLD, sentences
from guerdon.evaluation.edits.plain_markdown import PlainMarkdown
from guerdon.witness import Witness


@dataclass(frozen=True)
class BoldStart:
    matters: ClassVar[bool] = False

    def __call__(self, answers: Sequence[str]) -> list[str | None]:
        return [_bold(text) for text in answers]


def _bold(text: str) -> str | None:
    found = sentences(text)
    if not found or BOLD.search(text) or not found[0][0].isalnum():
        return None
    return text.replace(found[0], f"**{found[0]}**", 1)


witness = Witness(
    BoldStart(),
    given={"answers": ["It is. I know.", "A **bold** word.", "- one"]},
    returns=["**It is.** I know.", None, None],
    parent=PlainMarkdown(),
)
