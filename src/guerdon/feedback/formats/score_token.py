"""Score token: one answer gets the number that a judge expects, over all that it might say.

    value = sum_k p(k) (k - low) / (high - low) / sum_k p(k),   k from low to high         0 to 1; the number itself where only that is known

Source: G-Eval, Liu et al. 2023, arXiv 2303.16634, eq. 1, from 1 to 5, where the probabilities are estimated from twenty samples; here they are the model's.
Differs from Score: no ties between answers that get the same number, and nothing is written. Differs from YesToken: it says how good, and not whether.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.errors import InputError
from guerdon.feedback.formats import Case, Verdict
from guerdon.feedback.formats._asking import asked, chosen, conversation
from guerdon.feedback.formats.score import ASKS, Score
from guerdon.feedback.formats.yes_token import ROOM
from guerdon.feedback.layouts import Unread, shown
from guerdon.feedback.writers import Answer, Question, Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness


@dataclass(frozen=True)
class ScoreToken:
    takes: ClassVar[int | None] = 1

    low: int = 1
    high: int = 5
    asks: str = ASKS

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 9:  # 10 begins with the token of 1
            raise InputError(f"a score of one token is a digit: 0 <= low < high <= 9, not {self.low} and {self.high}")

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(str(number) for number in range(self.low, self.high + 1))

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        return asked(self, writer, cases, seed)

    def question(self, case: Case, seed: int = 0) -> Question:
        ends = f"{self.asks} Reply with one digit from {self.low}, very poor, to {self.high}, excellent, and nothing else."
        return Question(conversation(case, ends, seed, ("answer",)), max_tokens=ROOM, seed=seed, words=self.words)

    def read(self, answer: Answer, case: Case) -> float | Unread:
        if answer.likely is not None:
            top = max(answer.likely)
            weight = [math.exp(one - top) for one in answer.likely]
            return sum(place * w for place, w in enumerate(weight)) / sum(weight) / (self.high - self.low)
        place = chosen(answer, self.words)
        if place is None:
            return Unread(f"it begins with no digit from {self.low} to {self.high}: {shown(answer.text)}")
        return place / (self.high - self.low)


_cases = [Case("What is the capital of France?", (name,)) for name in ("Paris", "Rome", "Nice")]
_writer = Scripted({"Rome": "2", "Nice": "good"}, {"Paris": (-math.inf, -math.inf, -math.inf, 0.0, 0.0)})
witness = (
    Witness(
        ScoreToken(),
        parent=Score(),
        given={"writer": _writer, "cases": _cases},
        returns=[Verdict(0.875), Verdict(0.25, "2"), Verdict(None, "good", "it begins with no digit from 1 to 5: 'good'")],  # 4 or 5
    ),
    Witness(ScoreToken(low=0, high=4), parent=ScoreToken(), given={"writer": _writer, "cases": _cases[1:2]}, returns=[Verdict(0.5, "2")]),
    Witness(
        ScoreToken(asks="Is it kind?"),
        parent=ScoreToken(),
        given={"writer": Scripted({"kind": "1"}, otherwise="5"), "cases": _cases[:1]},
        returns=[Verdict(0.0, "1")],
    ),
)
