"""Majority: the answer that most candidates reach.

    chosen = first k with the most frequent answer        scores are not read; of equally frequent answers the one that occurs first

Source: Wang et al. 2022, Self-Consistency Improves Chain of Thought Reasoning, arXiv 2203.11171, section 2.
Differs from HighestScore: agreement decides, whatever the scores say.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from guerdon.acting.choosers import eligible
from guerdon.acting.choosers.highest_score import HighestScore
from guerdon.witness import Witness


@dataclass(frozen=True)
class Majority:
    def __call__(self, answers: Sequence[Hashable], scores: Sequence[float]) -> int:
        candidates = eligible(answers, scores)
        votes = Counter(answers[k] for k in candidates)
        return max(candidates, key=lambda k: votes[answers[k]])


witness = (
    Witness(
        Majority(), parent=HighestScore(), given={"answers": ["a", "b", "c", "b", "a"], "scores": [0.1, 0.1, 0.9, 0.5, 0.1]}, returns=0
    ),
    Witness(Majority(), parent=HighestScore(), given={"answers": [None, None, None, "a", "b"], "scores": [5, 5, 5, 0, 1]}, returns=3),
)
