"""Anchored at zero: the chosen side is made more likely than the reference has it, the rejected one less likely.

    loss = 1 - sigmoid(chosen_score) + sigmoid(rejected_score)        [N], between 0 and 2

For data whose chosen answers are better than what the model would write.

Source: APO-zero, arXiv 2408.06266, eq. 7 (the number is the one that TRL's source gives).
Differs from PointwiseLogistic: the probability itself instead of its logarithm, so that a side that is far on the wrong side no longer pulls.
"""

from dataclasses import dataclass

from guerdon.losses.comparisons.logistic import LN3
from guerdon.losses.comparisons.pointwise_logistic import PointwiseLogistic
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class AnchoredZero:
    def __call__(self, chosen_score: N, rejected_score: N) -> N:
        return 1 - chosen_score.sigmoid() + rejected_score.sigmoid()


witness = Witness(  # sigmoid(ln 3) = 3/4
    AnchoredZero(),
    parent=PointwiseLogistic(),
    given={"chosen_score": [LN3], "rejected_score": [0.0]},
    returns=[0.75],
    gradient={"chosen_score": [-0.1875], "rejected_score": [0.25]},
)
