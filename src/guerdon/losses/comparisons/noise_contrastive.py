"""Noise contrastive: the chosen side is told from noise, and both sides are noise as well.

    loss = -log sigmoid(chosen) - (log sigmoid(-chosen) + log sigmoid(-rejected)) / 2        [N], nats; the scores of the two sides

Source: NCA, arXiv 2402.05369, for pairs, in the form of TRL (``nca_pair``).
Differs from PointwiseLogistic: the chosen side is also held back, so that its score has an optimum (sigmoid = 2/3) and its probability does not fall
while the difference grows.
"""

from dataclasses import dataclass

import torch.nn.functional as F

from guerdon.losses.comparisons.logistic import LN3, LN4
from guerdon.losses.comparisons.pointwise_logistic import PointwiseLogistic
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class NoiseContrastive:
    def __call__(self, chosen_score: N, rejected_score: N) -> N:
        return -F.logsigmoid(chosen_score) - 0.5 * (F.logsigmoid(-chosen_score) + F.logsigmoid(-rejected_score))


witness = Witness(  # -ln(3/4) - ln(1/4) / 2 + ln(2) / 2
    NoiseContrastive(),
    parent=PointwiseLogistic(),
    given={"chosen_score": [LN3], "rejected_score": [0.0]},
    returns=[1.75 * LN4 - LN3],
    gradient={"chosen_score": [0.125], "rejected_score": [0.25]},
)
