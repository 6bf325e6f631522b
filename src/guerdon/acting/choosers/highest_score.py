"""Highest score: the candidate that the scorer likes best.

    chosen = argmax over k of scores[k]        among the candidates that have an answer; of equals the first

Source: Cobbe et al. 2021, Training Verifiers to Solve Math Word Problems, arXiv 2110.14168, section 4.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from guerdon.acting.choosers import eligible
from guerdon.witness import Witness


@dataclass(frozen=True)
class HighestScore:
    def __call__(self, answers: Sequence[Hashable], scores: Sequence[float]) -> int:
        return max(eligible(answers, scores), key=lambda k: scores[k])


witness = (
    Witness(HighestScore(), given={"answers": ["a", "b", "b", "c"], "scores": [0.1, 0.2, 0.3, 0.3]}, returns=2),
    Witness(HighestScore(), given={"answers": ["a", None], "scores": [0.1, 0.9]}, returns=0),
    Witness(HighestScore(), given={"answers": [None, None], "scores": [0.1, 0.9]}, returns=1),
)
