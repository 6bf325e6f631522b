"""Weighted vote: the answer whose candidates have the highest sum of scores.

    chosen = first k whose answer maximises  sum over j with answers[j] = answers[k] of scores[j]

Scores are weights: a probability that the answer is right, or of the answer itself. An answer many times reached with scores below 0 loses by that, so
scores of a reward model belong through a sigmoid first.

Source: Wang et al. 2022, arXiv 2203.11171, section 2 and table 1 (weighted sum); with a verifier's scores: Li et al. 2022, arXiv 2206.02336, section 3.
Differs from Majority: a vote counts its score instead of 1.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from guerdon.acting.choosers import eligible
from guerdon.acting.choosers.highest_score import HighestScore
from guerdon.acting.choosers.majority import Majority
from guerdon.witness import Witness


@dataclass(frozen=True)
class WeightedVote:
    def __call__(self, answers: Sequence[Hashable], scores: Sequence[float]) -> int:
        candidates = eligible(answers, scores)
        weight: dict[Hashable, float] = defaultdict(float)
        for k in candidates:
            weight[answers[k]] += scores[k]
        return max(candidates, key=lambda k: weight[answers[k]])


witness = (
    Witness(  # c has the highest score, b the most votes, a the highest sum
        WeightedVote(),
        parent=Majority(),
        given={"answers": ["b", "a", "b", "a", "b", "c"], "scores": [0.1, 0.4, 0.1, 0.4, 0.1, 0.7]},
        returns=1,
    ),
    Witness(
        WeightedVote(),
        parent=HighestScore(),
        given={"answers": ["b", "a", "b", "a", "b", "c"], "scores": [0.1, 0.4, 0.1, 0.4, 0.1, 0.7]},
        returns=1,
    ),
)
