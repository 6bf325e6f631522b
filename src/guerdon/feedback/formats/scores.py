"""Scores: any number of answers are shown at once, and each gets a whole number.

    value_k = (number_k - low) / (high - low)         0 to 1, one for each answer

Source: listwise scoring of any number of answers, DeepSeek-GRM, Liu et al. 2025, arXiv 2504.02495, from 1 to 10. The words are ours.
Differs from Score: an answer is read beside the others, so that scores of one case can be compared. Differs from Ranking: how far apart answers are is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.errors import InputError
from guerdon.feedback.deliberation import Deliberation
from guerdon.feedback.deliberation.critique import Critique
from guerdon.feedback.formats import Case, Verdict
from guerdon.feedback.formats._asking import asked, conversation, listed, room, within
from guerdon.feedback.formats.score import Score
from guerdon.feedback.layouts import Layout, Unread
from guerdon.feedback.layouts.brackets import Brackets
from guerdon.feedback.layouts.json_object import JsonObject
from guerdon.feedback.writers import Answer, Question, Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness

EACH = "How good is each of the answers to the question?"
_OF_EACH = 6  # tokens of each number in a verdict


@dataclass(frozen=True)
class Scores:
    takes: ClassVar[int | None] = None

    before: Deliberation | None = None
    layout: Layout = Brackets()
    low: int = 1
    high: int = 10
    asks: str = EACH

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise InputError(f"the lowest score is {self.low} and the highest {self.high}; low is below high")

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        return asked(self, writer, cases, seed)

    def question(self, case: Case, seed: int = 0) -> Question:
        count = len(case.answers)
        form = f"{count} whole numbers from {self.low}, very poor, to {self.high}, excellent, in the order of the answers, with commas between them"
        ends = f"{self.asks} {self.layout.tells('scores', form, self.before)}"
        items = {"type": "integer", "minimum": self.low, "maximum": self.high}
        schema = self.layout.schema("scores", {"type": "array", "items": items, "minItems": count, "maxItems": count}, self.before)
        names = [f"answer-{place}" for place in range(1, count + 1)]
        return Question(
            conversation(case, ends, seed, names), max_tokens=room(self.before, 16 + _OF_EACH * count), seed=seed, schema=schema
        )

    def read(self, answer: Answer, case: Case) -> tuple[float, ...] | Unread:
        said = self.layout(answer.text)
        items = said if isinstance(said, Unread) else listed(said, len(case.answers))
        if isinstance(items, Unread):
            return items
        numbers = [within(item, self.low, self.high) for item in items]
        wrong = next((number for number in numbers if isinstance(number, Unread)), None)
        return wrong if wrong is not None else tuple((number - self.low) / (self.high - self.low) for number in numbers)


_cases = [Case("A colour?", names) for names in (("red", "blue", "seven"), ("green", "ten"), ("pink", "one"))]
_writer = Scripted({"red": "[[10, 10, 1]]", "green": "[[7]]", "pink": "[[10, many]]"})
witness = (
    Witness(
        Scores(),
        parent=Score(),
        given={"writer": _writer, "cases": _cases},
        returns=[
            Verdict((1.0, 1.0, 0.0), "[[10, 10, 1]]"),
            Verdict(None, "[[7]]", "its verdict is a list of 1, and there are 2 answers"),
            Verdict(None, "[[10, many]]", "its verdict is 'many', and a number from 1 to 10 is asked for"),
        ],
    ),
    Witness(
        Scores(Critique(), JsonObject(), low=0, high=2),
        parent=Scores(Critique(), JsonObject()),
        given={"writer": Scripted(otherwise='{"critique": "", "verdict": [2, 1]}'), "cases": _cases[1:2]},
        returns=[Verdict((1.0, 0.5), '{"critique": "", "verdict": [2, 1]}')],
    ),
    Witness(
        Scores(asks="How kind?"),
        parent=Scores(),
        given={"writer": Scripted({"How kind": "[[1, 10]]"}, otherwise="[[10, 1]]"), "cases": _cases[1:2]},
        returns=[Verdict((0.0, 1.0), "[[1, 10]]")],
    ),
)
