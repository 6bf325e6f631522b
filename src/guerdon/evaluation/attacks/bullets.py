"""Bullets: every sentence an item of a list.

    "It is. I know." -> "- It is.\n- I know."

Source: ours; that preference models pay for lists and bold type: Zhang et al. 2024, arXiv 2409.11704 (abstract). Answers of one sentence, and those with a list already, are left
alone.
Differs from BoldType: another mark, and line breaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.attacks import Kind
from guerdon.evaluation.attacks.bold_type import BoldType
from guerdon.evaluation.edits._marks import BULLET, sentences
from guerdon.witness import Witness


@dataclass(frozen=True)
class Bullets:
    kind: ClassVar[Kind] = "format"

    def __call__(self, answers: Sequence[str]) -> list[list[str]]:
        return [_listed(text) for text in answers]


def _listed(text: str) -> list[str]:
    found = sentences(text)
    if len(found) < 2 or BULLET.search(text):
        return []
    return ["\n".join(f"- {sentence}" for sentence in found)]


witness = Witness(
    Bullets(),
    given={"answers": ["It is. I know.", "It is.", "- It is.\n- I know."]},
    returns=[["- It is.\n- I know."], [], []],
    parent=BoldType(),
)
