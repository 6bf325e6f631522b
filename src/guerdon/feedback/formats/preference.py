"""Preference: which of two answers is better, after whatever deliberation.

    value = 1 for [[A]], the first; 0 for [[B]]; 1/2 for [[C]], a tie

Source: pairwise comparison of MT-Bench, Zheng et al. 2023, arXiv 2306.05685. The words are ours.
Differs from Score: two answers are compared, and none of them has a number of its own. The order in which they are shown matters to most judges: see ``both_orders``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.feedback.deliberation import Deliberation
from guerdon.feedback.deliberation.own_rubric import OwnRubric
from guerdon.feedback.deliberation.reasoning import Reasoning
from guerdon.feedback.formats import Case, Verdict
from guerdon.feedback.formats._asking import asked, conversation, room
from guerdon.feedback.formats.score import Score
from guerdon.feedback.layouts import Layout, Unread
from guerdon.feedback.layouts.brackets import Brackets
from guerdon.feedback.layouts.json_object import JsonObject
from guerdon.feedback.writers import Answer, Question, Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness

PAIR = "Which of the two answers to the question is better?"
NAMES = ("answer-A", "answer-B")
_WORTH = {"A": 1.0, "B": 0.0, "C": 0.5}


@dataclass(frozen=True)
class Preference:
    takes: ClassVar[int | None] = 2

    before: Deliberation | None = None
    layout: Layout = Brackets()
    asks: str = PAIR

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        return asked(self, writer, cases, seed)

    def question(self, case: Case, seed: int = 0) -> Question:
        ends = f"{self.asks} {self.layout.tells('verdict', 'A or B, or C for a tie', self.before)}"
        schema = self.layout.schema("verdict", {"type": "string", "enum": list(_WORTH)}, self.before)
        return Question(conversation(case, ends, seed, NAMES), max_tokens=room(self.before), seed=seed, schema=schema)

    def read(self, answer: Answer, case: Case) -> float | Unread:
        said = self.layout(answer.text)
        if isinstance(said, Unread):
            return said
        worth = _WORTH.get(str(said).strip().upper())
        return Unread(f"its verdict is {str(said)[:40]!r}, and A, B or C is asked for") if worth is None else worth


_cases = [
    Case("What is the capital of France?", pair) for pair in (("Paris", "Rome"), ("Rome", "Lyon"), ("Nice", "Cannes"), ("Metz", "Brest"))
]
_said = {"Paris": "[[A]]", "Lyon": "[[ b ]]", "Nice": "[[C]]", "Metz": "[[both]]"}
witness = (
    Witness(
        Preference(),
        parent=Score(),
        given={"writer": Scripted(_said), "cases": _cases},
        returns=[
            Verdict(1.0, "[[A]]"),
            Verdict(0.0, "[[ b ]]"),
            Verdict(0.5, "[[C]]"),
            Verdict(None, "[[both]]", "its verdict is 'both', and A, B or C is asked for"),
        ],
    ),
    Witness(
        Preference(OwnRubric()),
        parent=Preference(Reasoning()),
        given={"writer": Scripted({"criteria": "<rubric>[[A]]</rubric> [[B]]"}, otherwise="[[A]]"), "cases": _cases[:1]},
        returns=[Verdict(0.0, "<rubric>[[A]]</rubric> [[B]]")],
    ),
    Witness(
        Preference(layout=JsonObject()),
        parent=Preference(),
        given={"writer": Scripted(otherwise='{"verdict": "B"}'), "cases": _cases[:1]},
        returns=[Verdict(0.0, '{"verdict": "B"}')],
    ),
    Witness(
        Preference(asks="Which is kinder?"),
        parent=Preference(),
        given={"writer": Scripted({"kinder": "[[B]]"}, otherwise="[[A]]"), "cases": _cases[:1]},
        returns=[Verdict(0.0, "[[B]]")],
    ),
)
