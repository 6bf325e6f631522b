"""From scored: the rubric that a judge goes by is written anew from an answer and what it was scored by it.

    rubric' = writer(question, answer, score, rubric)          for each row

The writer is told the present rubric and the score that the answer got, looks for what the score leaves out or pays for without reason, and writes the rubric that would have
scored it rightly. What is drawn while a policy learns tells of what the policy has found out by then. ``merged`` makes one rubric of several.

Source: MPO, Kim et al. 2025, arXiv 2504.20157, by its abstract and summaries, and its authors' code (minnesotanlp/mpo, ``trl/extras/mpoppo``: analyse and refine for each of some
twenty rollouts, then merge). There the analysis is a text of its own before the rubric; the words are ours. ``max_tokens`` 1024: ours.
Differs from FromPairs: nobody says which answer is better; what is mended is a rubric that is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.criteria import Drawn
from guerdon.feedback.criteria._proposing import proposed, texts_of
from guerdon.feedback.criteria.from_references import FromReferences
from guerdon.feedback.rubric import Item, Rubric, rubric_of
from guerdon.feedback.writers import Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness

ASKS = (
    "The answer was given this score, by this rubric. Find out what the score leaves out, and what it pays for without reason; then write the rubric that would score this and "
    "other answers rightly, with whatever of the present one is sound."
)


@dataclass(frozen=True)
class FromScored:
    columns: ClassVar[tuple[str, ...]] = ("completion", "score", "rubric")

    max_tokens: int = 1024

    def __call__(self, writer: Writer, rows: Sequence[Mapping[str, Any]], seed: int = 0) -> list[Drawn]:
        return proposed(writer, [(self._told(row), ASKS) for row in rows], self.max_tokens, seed)

    def _told(self, row: Mapping[str, Any]) -> dict[str, str]:
        texts = texts_of(row, ("completion",))
        for column in ("score", "rubric"):
            if row.get(column) is None:
                raise InputError(
                    f"the rows need the columns prompt, {', '.join(self.columns)}, and one has no {column!r} (columns: {', '.join(row)})"
                )
        return texts | {"score": f"{float(row['score']):.3g}", "rubric": str(rubric_of(row["rubric"], "the column rubric"))}


_rows = [{"prompt": "Hello?", "completion": "Hm.", "score": 1.0, "rubric": ["It is brief."]}]
_writer = Scripted({"1\n</score": '{"items": [{"text": "It is kind."}]}'}, otherwise='{"items": [{"text": "It is long."}]}')
witness = (
    Witness(
        FromScored(),
        parent=FromReferences("completion"),
        given={"writer": _writer, "rows": _rows},
        returns=[Drawn(Rubric((Item("It is kind."),)), 1)],
    ),
    Witness(
        FromScored(),
        parent=FromReferences("completion"),
        given={"writer": Scripted({"(important, weight 1) It is brief.": "It is fine as it is."}), "rows": _rows},
        returns=[Drawn(None, why="the writer's answer holds no JSON object with items: 'It is fine as it is.'")],
    ),
)
