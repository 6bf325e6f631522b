"""Preference token: how sure a judge is that the first of two answers is better, by the letter that it would write.

    value = p(A) / (p(A) + p(B))         0 to 1; a writer that cannot see probabilities writes one of the letters: 1 or 0

Source: RLAIF, Lee et al. 2023, arXiv 2309.00267 (the softmax of the log-probabilities of the two tokens). The words are ours.
Differs from Preference: how sure it is is a number, nothing is written, and there is no tie.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.feedback.formats import Case, Verdict
from guerdon.feedback.formats._asking import asked, conversation
from guerdon.feedback.formats.preference import NAMES, PAIR, Preference
from guerdon.feedback.formats.yes_token import ROOM, share_of_first
from guerdon.feedback.layouts import Unread
from guerdon.feedback.writers import Answer, Question, Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness


@dataclass(frozen=True)
class PreferenceToken:
    takes: ClassVar[int | None] = 2

    asks: str = PAIR

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        return asked(self, writer, cases, seed)

    def question(self, case: Case, seed: int = 0) -> Question:
        ends = f"{self.asks} Reply with one letter, A or B, and nothing else."
        return Question(conversation(case, ends, seed, NAMES), max_tokens=ROOM, seed=seed, words=("A", "B"))

    def read(self, answer: Answer, case: Case) -> float | Unread:
        return share_of_first(answer, ("A", "B"))


_cases = [Case("What is the capital of France?", pair) for pair in (("Paris", "Rome"), ("Rome", "Lyon"))]
witness = (
    Witness(
        PreferenceToken(),
        parent=Preference(),
        given={"writer": Scripted({"Lyon": "B"}, {"Paris": (0.0, 0.0)}), "cases": _cases},
        returns=[Verdict(0.5), Verdict(0.0, "B")],
    ),
    Witness(
        PreferenceToken(asks="Which is kinder?"),
        parent=PreferenceToken(),
        given={"writer": Scripted(likely={"kinder": (-math.inf, 0.0)}, otherwise="A"), "cases": _cases[:1]},
        returns=[Verdict(1 / (1 + math.exp(700)), "A")],
    ),
)
