"""Pointwise logistic: each side by itself is classified as good or bad.

    loss = -log sigmoid(chosen_score) - log sigmoid(-rejected_score)        [N], nats

Source: BCO, arXiv 2404.04656, in the pairwise form of TRL (``bco_pair``), which leaves out the running mean of rewards that the paper takes from both.
Differs from Logistic: the sizes of both scores count, not their difference alone. A policy that lowers the probability of both sides is
told so.
"""

from dataclasses import dataclass

import torch.nn.functional as F

from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class PointwiseLogistic:
    def __call__(self, chosen_score: N, rejected_score: N) -> N:
        return -F.logsigmoid(chosen_score) - F.logsigmoid(-rejected_score)


witness = Witness(  # -ln(3/4) + ln 2
    PointwiseLogistic(),
    parent=Logistic(),
    given={"chosen_score": [LN3], "rejected_score": [0.0]},
    returns=[1.5 * LN4 - LN3],
    gradient={"chosen_score": [-0.25], "rejected_score": [0.5]},
)
