"""Yes token: how sure a judge is of the word "Yes" and not "No", in answer to a question about one answer.

    value = p(yes) / (p(yes) + p(no))         0 to 1; a writer that cannot see probabilities writes one of the words: 1 or 0

Source: generative verifiers, Zhang et al. 2024, arXiv 2408.15240, eq. 4 (the probability of "Yes"); that the two words share all of the probability is ours, as are the
words.
Differs from Score: nothing is written, so it costs one pass over the question, and it has as many values as there are probabilities.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.feedback.formats import Case, Verdict
from guerdon.feedback.formats._asking import asked, chosen, conversation
from guerdon.feedback.formats.score import Score
from guerdon.feedback.layouts import Unread, shown
from guerdon.feedback.writers import Answer, Question, Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness

ROOM = 4  # tokens for one word, where it has to be written


@dataclass(frozen=True)
class YesToken:
    takes: ClassVar[int | None] = 1

    asks: str = "Is this a good answer to the question?"
    yes: str = "Yes"
    no: str = "No"

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        return asked(self, writer, cases, seed)

    def question(self, case: Case, seed: int = 0) -> Question:
        ends = f"{self.asks} Reply with one word, {self.yes} or {self.no}."
        return Question(conversation(case, ends, seed, ("answer",)), max_tokens=ROOM, seed=seed, words=(self.yes, self.no))

    def read(self, answer: Answer, case: Case) -> float | Unread:
        return share_of_first(answer, (self.yes, self.no))


def share_of_first(answer: Answer, words: tuple[str, str]) -> float | Unread:
    """The probability of the first of two words, or 1 or 0 where only the word is known."""
    if answer.likely is not None:
        first, second = answer.likely
        return 1 / (1 + math.exp(max(min(second - first, 700.0), -700.0)))
    place = chosen(answer, words)
    return Unread(f"it says neither {words[0]} nor {words[1]}: {shown(answer.text)}") if place is None else 1.0 - place


_case = [Case("What is the capital of France?", (name,)) for name in ("Paris", "Rome", "Nice", "Lyon")]
_writer = Scripted({"Rome": "No.", "Nice": "Maybe", "Lyon": "Yes, it is"}, {"Paris": (math.log(0.6), math.log(0.2))})
witness = (
    Witness(
        YesToken(),
        parent=Score(),
        given={"writer": _writer, "cases": _case},
        returns=[
            Verdict(1 / (1 + math.exp(math.log(0.2) - math.log(0.6)))),  # 3/4
            Verdict(0.0, "No."),
            Verdict(None, "Maybe", "it says neither Yes nor No: 'Maybe'"),
            Verdict(1.0, "Yes, it is"),
        ],
    ),
    Witness(
        YesToken(asks="Is it rude?"),
        parent=YesToken(),
        given={"writer": Scripted({"rude": "No"}, otherwise="Yes"), "cases": _case[:1]},
        returns=[Verdict(0.0, "No")],
    ),
    Witness(
        YesToken(yes="True", no="False"),
        parent=YesToken(),
        given={"writer": Scripted(otherwise="True"), "cases": _case[:1]},
        returns=[Verdict(1.0, "True")],
    ),
)
