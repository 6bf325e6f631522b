"""Score: one answer gets a whole number, after whatever deliberation.

    value = (number - low) / (high - low)         0 to 1

Source: single answer grading of MT-Bench, Zheng et al. 2023, arXiv 2306.05685, from 1 to 10. The words are ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.errors import InputError
from guerdon.feedback.deliberation import Deliberation
from guerdon.feedback.deliberation.critique import Critique
from guerdon.feedback.deliberation.reasoning import Reasoning
from guerdon.feedback.formats import Case, Verdict
from guerdon.feedback.formats._asking import asked, conversation, room, within
from guerdon.feedback.layouts import Layout, Unread
from guerdon.feedback.layouts.brackets import Brackets
from guerdon.feedback.layouts.json_object import JsonObject
from guerdon.feedback.writers import Answer, Question, Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness

ASKS = "How good is the answer to the question?"


@dataclass(frozen=True)
class Score:
    takes: ClassVar[int | None] = 1

    before: Deliberation | None = None
    layout: Layout = Brackets()
    low: int = 1
    high: int = 10
    asks: str = ASKS

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise InputError(f"the lowest score is {self.low} and the highest {self.high}; low is below high")

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        return asked(self, writer, cases, seed)

    def question(self, case: Case, seed: int = 0) -> Question:
        form = f"a whole number from {self.low}, very poor, to {self.high}, excellent"
        ends = f"{self.asks} {self.layout.tells('score', form, self.before)}"
        schema = self.layout.schema("score", {"type": "integer", "minimum": self.low, "maximum": self.high}, self.before)
        return Question(conversation(case, ends, seed, ("answer",)), max_tokens=room(self.before), seed=seed, schema=schema)

    def read(self, answer: Answer, case: Case) -> float | Unread:
        said = self.layout(answer.text)
        number = said if isinstance(said, Unread) else within(said, self.low, self.high)
        return number if isinstance(number, Unread) else (number - self.low) / (self.high - self.low)


_said = {"Paris": "It is right. [[10]]", "Rome": "No. [[ 4/10 ]]", "Lyon": "Not quite.", "Nice": "[[11]]"}
_cases = [Case("What is the capital of France?", (name,)) for name in _said]
witness = (
    Witness(
        Score(),
        given={"writer": Scripted(_said), "cases": _cases},
        returns=[
            Verdict(1.0, "It is right. [[10]]"),
            Verdict(1 / 3, "No. [[ 4/10 ]]"),
            Verdict(None, "Not quite.", "it holds no verdict in double brackets: 'Not quite.'"),
            Verdict(None, "[[11]]", "its verdict is '11', and a number from 1 to 10 is asked for"),
        ],
    ),
    Witness(
        Score(low=0, high=4),
        parent=Score(),
        given={"writer": Scripted(otherwise="[[3]]"), "cases": _cases[:1]},
        returns=[Verdict(0.75, "[[3]]")],
    ),
    Witness(
        Score(layout=JsonObject()),
        parent=Score(),
        given={"writer": Scripted(otherwise='{"verdict": 10}'), "cases": _cases[:1]},
        returns=[Verdict(1.0, '{"verdict": 10}')],
    ),
    Witness(
        Score(Critique()),
        parent=Score(Reasoning()),
        given={"writer": Scripted({"<critique>": "[[1]]"}, otherwise="[[10]]"), "cases": _cases[:1]},
        returns=[Verdict(0.0, "[[1]]")],
    ),
    Witness(
        Score(asks="Is it kind?"),
        parent=Score(),
        given={"writer": Scripted({"kind": "[[1]]"}, otherwise="[[10]]"), "cases": _cases[:1]},
        returns=[Verdict(0.0, "[[1]]")],
    ),
)
