"""Borda: a vote counts by the place that its candidate's score has.

    votes of the r-th best of K candidates = (K - r + 1)^power;        chosen = first k whose answer has most votes

Only the order of the scores is read, whatever their scale. With ``power`` 0 every vote counts the same (Majority), with a large one the best alone does (HighestScore). A
candidate without an answer keeps its place, and its votes go to nobody.

Source: Self-Certainty, arXiv 2502.18581, and its authors' code, ``voting_from_list.py``, whose ``power`` is 0.5.
Differs from WeightedVote: a score that is out of all proportion weighs no more than the first place.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from guerdon.acting.choosers import eligible
from guerdon.acting.choosers.majority import Majority
from guerdon.acting.choosers.weighted_vote import WeightedVote
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class Borda:
    power: float = 0.5

    def __post_init__(self) -> None:
        if self.power < 0:
            raise InputError(f"a Borda vote counts by a power of 0 or more, not {self.power}: below 0 the worst would count most")

    def __call__(self, answers: Sequence[Hashable], scores: Sequence[float]) -> int:
        candidates = eligible(answers, scores)
        order = sorted(range(len(scores)), key=lambda k: scores[k], reverse=True)  # the sort is stable
        votes: dict[Hashable, float] = defaultdict(float)
        for place, k in enumerate(order):
            if answers[k] is not None or answers[candidates[0]] is None:
                votes[answers[k]] += (len(scores) - place) ** self.power
        return max(candidates, key=lambda k: votes[answers[k]])


witness = (
    Witness(  # b has 4, a has 3 + 2 and c has 1, whatever 9 is
        Borda(power=1.0), parent=WeightedVote(), given={"answers": ["b", "a", "a", "c"], "scores": [9.0, 0.3, 0.2, 0.1]}, returns=1
    ),
    Witness(  # 16 against 9 + 4
        Borda(power=2.0), parent=Majority(), given={"answers": ["b", "a", "a", "c"], "scores": [0.4, 0.3, 0.2, 0.1]}, returns=0
    ),
    Witness(  # nobody has 2; a has 3^0.5, b 2^0.5 + 1
        Borda(), parent=WeightedVote(), given={"answers": ["a", None, "b", "b"], "scores": [-3.0, 2.0, -4.0, -4.0]}, returns=2
    ),
)
