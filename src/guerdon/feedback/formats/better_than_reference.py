"""Better than reference: how sure a judge is of the word "Yes" when it is asked whether an answer is better than another one that is known.

    value = p(yes) / (p(yes) + p(no))         0 to 1; a writer that cannot see probabilities writes one of the words: 1 or 0

The case brings the other answer as its ``reference``; it need not be right, and is shown as another answer. What counts, if the case says so, is told along with it.

Source: RewardDance, Wu et al. 2025, arXiv 2509.08826, by its abstract and summaries: the probability of "yes" to whether an image is better than a reference by some criteria, with
instructions, references and reasoning in the context. Texts in the place of images, and the words, are ours.
Differs from YesToken: an answer is held against another. Differs from PreferenceToken: one of the two is given beforehand, so that a reward comes of it for one answer at a time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from guerdon.errors import InputError
from guerdon.feedback.formats import Case, Verdict
from guerdon.feedback.formats._asking import asked, conversation
from guerdon.feedback.formats.yes_token import ROOM, YesToken, share_of_first
from guerdon.feedback.layouts import Unread
from guerdon.feedback.writers import Answer, Question, Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness


@dataclass(frozen=True)
class BetterThanReference:
    takes: ClassVar[int | None] = 1

    asks: str = "Is the answer to the question better than the other answer?"
    yes: str = "Yes"
    no: str = "No"

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        return asked(self, writer, cases, seed)

    def question(self, case: Case, seed: int = 0) -> Question:
        if case.reference is None:
            raise InputError(
                "better_than_reference holds an answer against another, and there is none: name the column that holds it (reference: COLUMN)"
            )
        both = replace(case, answers=(*case.answers, case.reference), reference=None)
        ends = f"{self.asks} Reply with one word, {self.yes} or {self.no}."
        return Question(conversation(both, ends, seed, ("answer", "other-answer")), max_tokens=ROOM, seed=seed, words=(self.yes, self.no))

    def read(self, answer: Answer, case: Case) -> float | Unread:
        return share_of_first(answer, (self.yes, self.no))


_cases = [Case("A colour?", ("red",), reference=other) for other in ("blue", "seven")]
_writer = Scripted({"seven\n</other": "Yes"}, {"blue\n</other": (math.log(0.6), math.log(0.2))})
witness = (
    Witness(
        BetterThanReference(),
        parent=YesToken(),
        given={"writer": _writer, "cases": _cases},
        returns=[Verdict(1 / (1 + math.exp(math.log(0.2) - math.log(0.6)))), Verdict(1.0, "Yes")],  # 3/4
    ),
    Witness(
        BetterThanReference(asks="Is it kinder?"),
        parent=BetterThanReference(),
        given={"writer": Scripted({"kinder": "No"}, otherwise="Yes"), "cases": _cases[:1]},
        returns=[Verdict(0.0, "No")],
    ),
    Witness(
        BetterThanReference(yes="True", no="False"),
        parent=BetterThanReference(),
        given={"writer": Scripted(otherwise="True"), "cases": _cases[:1]},
        returns=[Verdict(1.0, "True")],
    ),
)
