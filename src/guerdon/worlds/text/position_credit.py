"""Position credit: part of the reward for an exact answer, the rest for the share of its characters that stand where they should.

    reward = exact * [answer = completion] + (1 - exact) * right / max(length of answer, length of completion)        one number per completion

``answer``: the text expected, a column of the data. A completion that is too long loses credit, so writing more never pays.

Source: this project's own demonstration task; partial credit so that a policy that is rarely exact has a signal.
``exact`` 0.5: the weight with which a model of half a million parameters was seen to learn sorting from 24-38 % exact answers.
"""

from dataclasses import dataclass
from typing import Any

from guerdon.witness import Witness


@dataclass(frozen=True)
class PositionCredit:
    exact: float = 0.5

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[str]) -> list[float]:
        return [self._one(said(c), a) for c, a in zip(completions, answer, strict=True)]

    def _one(self, text: str, answer: str) -> float:
        right = sum(a == b for a, b in zip(text, answer, strict=False))
        longest = max(len(text), len(answer))
        return self.exact * (text == answer) + (1 - self.exact) * (right / longest if longest else 1.0)


def said(completion: Any) -> str:
    """The text of a completion: a string, or the last message of a list."""
    return completion if isinstance(completion, str) else completion[-1]["content"]


_given = {"prompts": ["ba>"] * 4, "completions": ["ab", "ba", "ac", "abcd"], "answer": ["ab"] * 4}
witness = (
    Witness(PositionCredit(), given=_given, returns=[1.0, 0.0, 0.25, 0.25]),
    Witness(PositionCredit(exact=1.0), parent=PositionCredit(), given=_given, returns=[1.0, 0.0, 0.0, 0.0]),
)
