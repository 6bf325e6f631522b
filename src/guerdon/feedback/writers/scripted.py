"""Scripted: a writer whose answers are known beforehand, for tests, examples and witnesses.

    answer to a question = the first of ``says`` whose key is found in what is asked, else ``otherwise``

``likely`` is the same for the log-probabilities of words: where its key is found the question's words have these. What is read and written is counted in words.

Source: ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guerdon.feedback.writers import Answer, Question
from guerdon.witness import Witness


@dataclass(frozen=True)
class Scripted:
    says: Mapping[str, str] = field(default_factory=dict, hash=False)
    likely: Mapping[str, tuple[float, ...]] = field(default_factory=dict, hash=False)
    otherwise: str = ""

    def __call__(self, questions: Sequence[Question]) -> list[Answer]:
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer:
        asked = "\n".join(message["content"] for message in question.messages)
        text = next((said for key, said in self.says.items() if key in asked), self.otherwise)
        likely = next((tuple(found) for key, found in self.likely.items() if key in asked), None) if question.words else None
        return Answer(text, likely, read=len(asked.split()), written=len(text.split()))


def _q(text: str, words: tuple[str, ...] = ()) -> Question:
    return Question(({"role": "user", "content": text},), words=words)


witness = (
    Witness(
        Scripted({"cat": "Miaow."}, otherwise="What?"),
        given={"questions": [_q("says a cat"), _q("says a dog")]},
        returns=[Answer("Miaow.", read=3, written=1), Answer("What?", read=3, written=1)],
    ),
    Witness(
        Scripted(likely={"cat": (-0.1, -2.0)}),
        parent=Scripted({"cat": "Miaow."}),
        given={"questions": [_q("a cat", ("yes", "no")), _q("a cat")]},
        returns=[Answer("", (-0.1, -2.0), read=2), Answer("", read=2)],
    ),
)
