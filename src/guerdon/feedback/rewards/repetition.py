"""Repetition: a penalty in proportion to the n-grams of a completion that it said before.

    reward = -penalty * (1 - distinct n-grams / n-grams)           0 for a completion of fewer than ``ngram`` units

``unit`` is "words" (lower case, split at white space) or "tokens" (the column ``completion_ids``, which the loop passes).

Source: after the n-gram repetition penalty of Yeo et al., arXiv 2502.03373, appendix C.2, algorithm 1. There each token that lies in a
repeated n-gram gets a penalty of its own; here the sequence gets the share of repeated n-grams, the form in which trainers offer it.
``ngram`` 3 and ``penalty`` 1: TRL's defaults for this form (the paper's 40 and 0.05 are for its per-token form).
Differs from Length: a long completion that says something new all the time is not penalised.
"""

from dataclasses import dataclass
from typing import Any, Literal

from guerdon.errors import InputError
from guerdon.feedback.rewards.length import Length
from guerdon.feedback.text import whole_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class Repetition:
    ngram: int = 3
    penalty: float = 1.0
    unit: Literal["words", "tokens"] = "words"

    def __post_init__(self) -> None:
        if self.ngram < 1 or self.penalty < 0:
            raise InputError(f"the repetition reward needs ngram >= 1 and penalty >= 0, not {self.ngram} and {self.penalty}")
        if self.unit not in ("words", "tokens"):
            raise InputError(f"the unit of the repetition reward is words or tokens, not {self.unit!r}")

    def __call__(
        self, prompts: list[Any], completions: list[Any], completion_ids: list[Any] | None = None, **columns: list[Any]
    ) -> list[float | None]:
        if self.unit == "words":
            return [self._judge(whole_text(completion).lower().split()) for completion in completions]
        if completion_ids is None:
            raise InputError("the repetition reward reads tokens, but no column completion_ids was given: pass it, or set unit=words")
        return [self._judge([int(token) for token in ids]) for ids in completion_ids]

    def _judge(self, units: list[Any]) -> float:
        count = len(units) - self.ngram + 1
        if count < 1:
            return 0.0
        distinct = {tuple(units[start : start + self.ngram]) for start in range(count)}
        return -self.penalty * (1 - len(distinct) / count)


witness = (
    Witness(  # 4 pairs of words of which 2 are distinct; 4 of 4
        Repetition(ngram=2),
        parent=Length(max_length=3, cache=2, unit="characters"),
        given={"prompts": ["q"] * 3, "completions": ["a b A b a", "a b c d e", "a"]},
        returns=[-0.5, 0.0, 0.0],
    ),
    Witness(
        Repetition(ngram=2, penalty=0.5),
        parent=Repetition(ngram=2),
        given={"prompts": ["q"], "completions": ["a b a b a"]},
        returns=[-0.25],
    ),
    Witness(  # triples: a b a, b a b, a b a
        Repetition(ngram=3),
        parent=Repetition(ngram=2),
        given={"prompts": ["q"], "completions": ["a b a b a"]},
        returns=[-1 / 3],
    ),
    Witness(
        Repetition(ngram=2, unit="tokens"),
        parent=Repetition(ngram=2),
        given={"prompts": ["q"], "completions": ["abc"], "completion_ids": [[5, 5, 5, 5, 5]]},
        returns=[-0.75],
    ),
)
