"""Merged: of several rubrics for the same, one.

    rubric' = writer(question, rubric_1 ... rubric_n)          for each row

The writer is to keep what they have in common, and of two items that ask for the same, one.

Source: MPO, Kim et al. 2025, arXiv 2504.20157, and its authors' code (minnesotanlp/mpo, ``mrm_merge``: criteria that do not overlap and stand for all of the sets). The words are
ours. ``max_tokens`` 1024: ours.
Differs from FromScored: no answer is looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.criteria import Drawn
from guerdon.feedback.criteria._proposing import proposed, texts_of
from guerdon.feedback.criteria.from_scored import FromScored
from guerdon.feedback.rubric import Item, Rubric, rubric_of
from guerdon.feedback.writers import Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness

ASKS = (
    "These rubrics were written for the same purpose. Write one that stands for all of them: of items that ask for the same keep one, and leave out what only one of them has "
    "by chance."
)


@dataclass(frozen=True)
class Merged:
    columns: ClassVar[tuple[str, ...]] = ("rubrics",)

    max_tokens: int = 1024

    def __call__(self, writer: Writer, rows: Sequence[Mapping[str, Any]], seed: int = 0) -> list[Drawn]:
        return proposed(writer, [(self._told(row), ASKS) for row in rows], self.max_tokens, seed)

    def _told(self, row: Mapping[str, Any]) -> dict[str, str]:
        rubrics = row.get("rubrics")
        if not isinstance(rubrics, list | tuple) or len(rubrics) < 2:
            raise InputError(f"merged: a row needs rubrics, a list of two or more, and one has {rubrics!r}")
        told = {f"rubric-{place}": str(rubric_of(one, f"rubric {place}")) for place, one in enumerate(rubrics, 1)}
        return texts_of(row, ()) | told


_scored = {"completion": "Hm.", "score": 1.0, "rubric": ["It is brief."]}
_rows = [{"prompt": "Hello?", "rubrics": [["It is kind."], ["It is friendly."]], **_scored}]
_writer = Scripted(
    {"It is friendly.\n</rubric-2": '{"items": [{"text": "It is kind."}]}'}, otherwise='{"items": [{"text": "It is long."}]}'
)
witness = Witness(
    Merged(), parent=FromScored(), given={"writer": _writer, "rows": _rows}, returns=[Drawn(Rubric((Item("It is kind."),)), 1)]
)
