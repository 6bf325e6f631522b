"""Prospect: what is gained by a good sequence and lost by a bad one saturates, both ways.

    loss = label w_good sigmoid(-score) + (1 - label) w_bad sigmoid(score)        [B], between 0 and the larger weight

``score`` is how far the sequence lies above the reference point. ``desirable_weight`` (w_good) and ``undesirable_weight`` (w_bad) are for labels that are not equally
frequent: w_good times the number of good ones is to be 1 to 4/3 of w_bad times the number of bad ones (the paper's eq. 8, as TRL reads it).

Source: KTO, arXiv 2402.01306, eq. 7 (the number is the one that TRL's source gives), without the constant. Both weights 1: the paper's and TRL's defaults.
Differs from CrossEntropy: the probability itself instead of its logarithm, so that a sequence that is far on the wrong side no longer pulls: a label that
seems to be wrong is ignored.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.comparisons.logistic import LN3
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class Prospect:
    per_item: ClassVar[bool] = True  # a loss per sequence, not per step

    desirable_weight: float = 1.0
    undesirable_weight: float = 1.0

    def __call__(self, score: B, label: B) -> B:
        return self.desirable_weight * label * (-score).sigmoid() + self.undesirable_weight * (1 - label) * score.sigmoid()


_scores = {"score": [LN3, LN3], "label": [1.0, 0.0]}
witness = (
    Witness(Prospect(), parent=CrossEntropy(), given=_scores, returns=[0.25, 0.75], gradient={"score": [-0.1875, 0.1875]}),
    Witness(Prospect(desirable_weight=4.0), parent=Prospect(), given=_scores, returns=[1.0, 0.75], gradient={"score": [-0.75, 0.1875]}),
    Witness(Prospect(undesirable_weight=4.0), parent=Prospect(), given=_scores, returns=[0.25, 3.0], gradient={"score": [-0.1875, 0.75]}),
)
