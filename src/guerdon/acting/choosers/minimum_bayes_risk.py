"""Minimum Bayes risk: the candidate that the others say least against.

    chosen = argmax over k of sum over j != k of utility(answers[k], answers[j])        scores are not read; of equals the first

Candidates are draws from a policy, so that a sum over them stands for an expectation over what the right answer may be; ``utility`` says what an answer is worth where another is
right. The default is the F1 of their words. With [the same or not] it is Majority. K candidates cost K (K - 1) utilities.

Source: Kumar and Byrne 2004, Minimum Bayes-Risk Decoding for Statistical Machine Translation; with a learned metric as utility and sampled candidates, Ramos et al. 2023, arXiv
2311.09132.
Differs from Majority: answers that are nearly the same vote for one another.
"""

import operator
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from guerdon.acting.choosers import eligible
from guerdon.acting.choosers.highest_score import HighestScore
from guerdon.acting.choosers.majority import Majority
from guerdon.witness import Witness


def words_in_common(answer: Hashable, right: Hashable) -> float:
    """The F1 of the words of two answers, as often as they occur; 1 where neither has any."""
    a, b = Counter(str(answer).split()), Counter(str(right).split())
    return 2 * (a & b).total() / (a.total() + b.total()) if a or b else 1.0


@dataclass(frozen=True)
class MinimumBayesRisk:
    utility: Callable[[Hashable, Hashable], float] = words_in_common

    def __call__(self, answers: Sequence[Hashable], scores: Sequence[float]) -> int:
        candidates = eligible(answers, scores)
        return max(candidates, key=lambda k: sum(self.utility(answers[k], answers[j]) for j in candidates if j != k))


_said = [
    "no",
    "no",
    "the red car",
    "a red car",
    "the red van",
]  # all but the first two agree in part, "the red car" with 2/3 of both the others, which agree in 1/3
witness = (
    Witness(MinimumBayesRisk(), parent=Majority(), given={"answers": _said, "scores": [0.0] * 5}, returns=2),
    Witness(MinimumBayesRisk(), parent=HighestScore(), given={"answers": _said, "scores": [9.0, 0.0, 0.0, 0.0, 0.0]}, returns=2),
    Witness(
        MinimumBayesRisk(utility=operator.eq),
        parent=MinimumBayesRisk(),
        given={"answers": _said, "scores": [0.0] * 5},
        returns=0,
    ),
)
