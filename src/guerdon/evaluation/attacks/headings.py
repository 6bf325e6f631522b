"""Headings: the answer under a heading, with a summary that says nothing.

    "It is." -> "# Answer\n\nIt is.\n\n# Summary\n\nThe answer is given above."        ``closing``

Source: ours; headings are among the marks by which the Chatbot Arena controls for style (Li, Angelopoulos and Chiang 2024). An empty answer is left alone.
Differs from BoldType: parts are named that are none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.attacks import Kind
from guerdon.evaluation.attacks.bold_type import BoldType
from guerdon.witness import Witness


@dataclass(frozen=True)
class Headings:
    kind: ClassVar[Kind] = "format"
    closing: str = "The answer is given above."

    def __call__(self, answers: Sequence[str]) -> list[list[str]]:
        return [[f"# Answer\n\n{text.strip()}\n\n# Summary\n\n{self.closing}"] if text.strip() else [] for text in answers]


_given = {"answers": ["It is.", ""]}
witness = (
    Witness(Headings(), given=_given, returns=[["# Answer\n\nIt is.\n\n# Summary\n\nThe answer is given above."], []], parent=BoldType()),
    Witness(Headings("x"), given=_given, returns=[["# Answer\n\nIt is.\n\n# Summary\n\nx"], []], parent=Headings()),
)
