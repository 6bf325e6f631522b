"""Bold type: every sentence in bold type.

    "It is. I know." -> "**It is.** **I know.**"

Source: ours; that preference models pay for lists and bold type: Zhang et al. 2024, arXiv 2409.11704 (abstract). Answers with bold type already are left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.evaluation.attacks import Kind
from guerdon.evaluation.edits._marks import BOLD, SENTENCE
from guerdon.witness import Witness


@dataclass(frozen=True)
class BoldType:
    kind: ClassVar[Kind] = "format"

    def __call__(self, answers: Sequence[str]) -> list[list[str]]:
        return [[SENTENCE.sub(lambda found: _bold(found[0]), text)] if text.strip() and not BOLD.search(text) else [] for text in answers]


def _bold(piece: str) -> str:
    """A sentence between its spaces."""
    inner = piece.strip()
    return piece.replace(inner, f"**{inner}**", 1) if inner else piece


witness = Witness(BoldType(), given={"answers": ["It is. I know.", "A **bold** word.", ""]}, returns=[["**It is.** **I know.**"], [], []])
