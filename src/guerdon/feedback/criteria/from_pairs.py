"""From pairs: criteria that separate the better answer to a question from the worse one, kept where they do.

    an item stays   if the judge finds it holds of the better answer more than of the worse one by at least ``margin``; of a pitfall the other way round
    a rubric stays  if by it the better answer is worth more than the worse one

The writer proposes from the pair, told which is better; ``format`` then judges each item on each answer, asked by itself and told of neither.

Source: OpenRubrics, Liu et al. 2025, arXiv 2510.07743, as its abstract tells it: contrasting preferred and rejected answers, and rejection of rubrics that do not give the
preference label back. Judging item by item, and ``margin``, are ours.
Differs from FromReferences: a criterion that both answers meet, or that the writer only claims, is dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from guerdon.feedback.criteria import Drawn
from guerdon.feedback.criteria._proposing import proposed, texts_of
from guerdon.feedback.criteria.from_references import FromReferences
from guerdon.feedback.formats import Case, Format
from guerdon.feedback.formats.item_by_item import HOLDS
from guerdon.feedback.formats.yes_token import YesToken
from guerdon.feedback.rubric import Item, Rubric
from guerdon.feedback.writers import Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness

ASKS = (
    "The chosen answer to the question is better than the rejected one. Write three to eight criteria that separate them, in general words that would help to judge other "
    "answers to the question too."
)


@dataclass(frozen=True)
class FromPairs:
    columns: ClassVar[tuple[str, ...]] = ("chosen", "rejected")

    format: Format = field(default_factory=lambda: YesToken(asks=HOLDS))
    margin: float = 0.0
    max_tokens: int = 1024

    def __call__(self, writer: Writer, rows: Sequence[Mapping[str, Any]], seed: int = 0) -> list[Drawn]:
        drawn = proposed(writer, [(texts_of(row, self.columns), ASKS) for row in rows], self.max_tokens, seed)
        return [self._kept(writer, row, one, seed) for row, one in zip(rows, drawn, strict=True)]

    def _kept(self, writer: Writer, row: Mapping[str, Any], one: Drawn, seed: int) -> Drawn:
        if one.rubric is None:
            return one
        items = one.rubric.items
        cases = [Case(row["prompt"], (row[column],), rubric=item.text) for item in items for column in self.columns]
        said = [verdict.value for verdict in self.format(writer, cases, seed)]
        met = [
            (item, better, worse)
            for item, better, worse in zip(items, said[::2], said[1::2], strict=True)
            if better is not None and worse is not None
        ]
        kept = [(i, b, w) for i, b, w in met if (w - b if i.kind == "pitfall" else b - w) > self.margin]
        if not any(item.kind != "pitfall" for item, _, _ in kept):
            return Drawn(None, one.proposed, f"none of {len(items)} items tells the chosen answer from the rejected one")
        rubric = Rubric(tuple(item for item, _, _ in kept))
        if rubric.value([better for _, better, _ in kept]) <= rubric.value([worse for _, _, worse in kept]):
            return Drawn(None, one.proposed, "by its items together the chosen answer is worth no more than the rejected one")
        return Drawn(rubric, one.proposed)


_rows = [{"prompt": "What is the capital of France?", "chosen": "Paris, on the Seine", "rejected": "Rome, on the Tiber"}]
_said = '{"items": [{"text": "It is in France."}, {"text": "It names a river."}, {"text": "It is wrong.", "kind": "pitfall"}]}'
_writer = Scripted({"criteria that separate": _said, "river": "Yes", "Paris, on the Seine\n</answer": "Yes"}, otherwise="No")
_blind = Scripted({"criteria that separate": _said}, otherwise="No")
witness = (
    Witness(  # the river is named by both; that the chosen answer is wrong it finds true of the chosen one
        FromPairs(),
        parent=FromReferences("chosen"),
        given={"writer": _writer, "rows": _rows},
        returns=[Drawn(Rubric((Item("It is in France."),)), 3)],
    ),
    Witness(
        FromPairs(),
        parent=FromReferences("chosen"),
        given={"writer": _blind, "rows": _rows},
        returns=[Drawn(None, 3, "none of 3 items tells the chosen answer from the rejected one")],
    ),
    Witness(
        FromPairs(margin=1.0),
        parent=FromPairs(),
        given={"writer": _writer, "rows": _rows},
        returns=[Drawn(None, 3, "none of 3 items tells the chosen answer from the rejected one")],
    ),
)
