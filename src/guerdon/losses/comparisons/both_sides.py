"""Both sides: no comparison; the scores of both sides are to rise, whichever was preferred.

    loss = -(chosen_score + rejected_score)        [N], in units of the score

For scores that say of each answer by itself what is good in it, as ContrastedLikelihood.

Source: the regulariser of T-REG, arXiv 2412.02685, which is summed over the two answers.
Differs from Logistic: the rejected side has the sign of the chosen one.
"""

from dataclasses import dataclass

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class BothSides:
    def __call__(self, chosen_score: N, rejected_score: N) -> N:
        return -(chosen_score + rejected_score)


witness = Witness(
    BothSides(),
    parent=Logistic(),
    given={"chosen_score": [1.0], "rejected_score": [3.0]},
    returns=[-4.0],
    gradient={"chosen_score": [-1.0], "rejected_score": [-1.0]},
)
