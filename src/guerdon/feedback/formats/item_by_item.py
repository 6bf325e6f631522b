"""Item by item: the judge is asked of every item of the case's rubric whether it holds, and the answers are put together as the rubric says.

    value = gate * max(0, sum over wanted items of weight * met - sum over pitfalls of weight * met) / sum over wanted items of weight        0 to 1

``met`` is the verdict of ``of`` on the answer, asked of the item alone; ``gate`` is the least ``met`` of the essential items (``guerdon.feedback.rubric``). It costs a
question for each item. An answer of which an item cannot be judged has no value. What it ``said`` is a line for each item: how far it holds, its kind and weight, its text.

Source: explicit aggregation, rubrics as rewards, Gunjal et al. 2025, arXiv 2507.17746: the sum of weights of the items met, over the sum of weights. What
essential items and pitfalls do to it is ours.
Differs from a format that is told the rubric: no item is overlooked, and a page can show which of them pay.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.formats import Case, Format, Verdict
from guerdon.feedback.formats.score import Score
from guerdon.feedback.formats.yes_token import YesToken
from guerdon.feedback.rubric import Item, Rubric
from guerdon.feedback.writers import Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness

HOLDS = "Does what counts hold of the answer?"
_LINE = re.compile(r"^(\d\.\d{3}|-----)  (essential|important|optional|pitfall) \(([\d.e+-]+)\)  (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class ItemByItem:
    takes: ClassVar[int | None] = 1

    of: Format = field(default_factory=lambda: YesToken(asks=HOLDS))

    def __post_init__(self) -> None:
        if self.of.takes != 1:
            raise InputError("item_by_item asks of one answer whether an item holds: its format is one that judges one answer at a time")

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        rubrics = [_rubric(case) for case in cases]
        asked = [replace(case, rubric=item.text) for case, rubric in zip(cases, rubrics, strict=True) for item in rubric.items]
        said = iter(self.of(writer, asked, seed))
        return [_verdict(rubric, [next(said) for _ in rubric.items]) for rubric in rubrics]


def items_in(said: str) -> list[tuple[Item, float | None]]:
    """The items that a verdict's text tells of, and how far each holds."""
    found = [(Item(text, float(weight), kind), met) for met, kind, weight, text in _LINE.findall(said)]
    return [(item, None if met.startswith("-") else float(met)) for item, met in found]


def _rubric(case: Case) -> Rubric:
    if not isinstance(case.rubric, Rubric):
        raise InputError(
            "item_by_item judges by a rubric, and there is none: give one for all (rubric: FILE), or one in a column of the rows"
        )
    return case.rubric


def _verdict(rubric: Rubric, said: Sequence[Verdict]) -> Verdict:
    lines = [_line(item, verdict.value) for item, verdict in zip(rubric.items, said, strict=True)]
    wrong = next((place for place, verdict in enumerate(said) if verdict.value is None), None)
    why = "" if wrong is None else f"item {wrong + 1} could not be judged: {said[wrong].why}"
    value = rubric.value([verdict.value for verdict in said]) if wrong is None else None
    return Verdict(value, "\n".join(lines), why, sum(v.read for v in said), sum(v.written for v in said), tuple(said))


def _line(item: Item, met: Any) -> str:
    return f"{'-----' if met is None else f'{met:.3f}'}  {item.kind} ({item.weight:g})  {' '.join(item.text.split())}"


_capital = Rubric((Item("It names Paris.", 3.0, "essential"), Item("It says why.", 1.0), Item("It is rude.", 2.0, "pitfall")))
_case = [Case("What is the capital of France?", ("Paris, you fool",), rubric=_capital)]
witness = (
    Witness(  # (3 + 0 - 2) / 4
        ItemByItem(),
        parent=Score(),
        given={"writer": Scripted({"It says why": "No"}, otherwise="Yes"), "cases": _case},
        returns=[
            Verdict(0.25, "1.000  essential (3)  It names Paris.\n0.000  important (1)  It says why.\n1.000  pitfall (2)  It is rude.")
        ],
    ),
    Witness(  # what is essential is not there
        ItemByItem(),
        parent=Score(),
        given={"writer": Scripted({"It names Paris": "No", "It is rude": "No"}, otherwise="Yes"), "cases": _case},
        returns=[
            Verdict(0.0, "0.000  essential (3)  It names Paris.\n1.000  important (1)  It says why.\n0.000  pitfall (2)  It is rude.")
        ],
    ),
    Witness(
        ItemByItem(Score(low=0, high=2)),
        parent=ItemByItem(),
        given={"writer": Scripted(otherwise="[[1]]"), "cases": [replace(_case[0], rubric=Rubric((Item("It is brief."),)))]},
        returns=[Verdict(0.5, "0.500  important (1)  It is brief.")],
    ),
)
