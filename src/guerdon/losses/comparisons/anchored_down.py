"""Anchored down: both sides are made less likely, the rejected one more so.

    loss = sigmoid(chosen_score) + 1 - sigmoid(chosen_score - rejected_score)        [N], between 0 and 2

For data whose chosen answers are worse than what the model would write.

Source: APO-down, arXiv 2408.06266, eq. 8 (the number is the one that TRL's source gives).
Differs from AnchoredZero: the chosen side is pushed down, and the rejected one only by the difference.
"""

from dataclasses import dataclass

from guerdon.losses.comparisons.anchored_zero import AnchoredZero
from guerdon.losses.comparisons.logistic import LN3
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class AnchoredDown:
    def __call__(self, chosen_score: N, rejected_score: N) -> N:
        return chosen_score.sigmoid() + 1 - (chosen_score - rejected_score).sigmoid()


witness = Witness(  # 3/4 + 1 - 3/4; the chosen side is pulled both ways alike
    AnchoredDown(),
    parent=AnchoredZero(),
    given={"chosen_score": [LN3], "rejected_score": [0.0]},
    returns=[1.0],
    gradient={"chosen_score": [0.0], "rejected_score": [0.1875]},
)
