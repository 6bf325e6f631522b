"""Made up: pairs whose better answer is known, a judge that sees it at times, and texts as vectors, to see in a second that the study runs."""

from collections.abc import Sequence

import numpy as np

from guerdon.feedback.writers import Answer, Question
from guerdon.randomness import derive
from studies.which_judge._rows import Pair

_WORDS = ("good", "bad")


def _pair(k: int) -> Pair:
    first = derive(0, "first", k) % 2 == 0
    texts = [f"{word} {'x' * (derive(0, word, k) % 30)}" for word in (_WORDS if first else _WORDS[::-1])]
    return Pair(f"question {k // 2}", (texts[0], texts[1]), first, f"writer {k % 2}")


PAIRS = [_pair(k) for k in range(60)]


class _Half:
    """Finds what is good likelier, and its first place, and ends in prose where it is to write."""

    def __call__(self, questions: Sequence[Question]) -> list[Answer]:
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer:
        said = question.messages[-1]["content"]
        if not question.words:
            return Answer("It is good.", read=10, written=3)
        first = said.find("good") < said.find("bad") if "bad" in said else "highest" in said
        return Answer(
            question.words[0], tuple((1.0 if first else -0.5) * (len(question.words) - k) for k in range(len(question.words))), 10, 1
        )


WRITER = _Half()


def EMBED(texts: list[str]) -> np.ndarray:
    return np.array([[text.count("good"), text.count("bad"), len(text) / 30] for text in texts], dtype=float)
