"""Skew logistic: the negative log-likelihood of a comparison that is decided by a skew-symmetric form, so that cycles are possible.

    lead = sum over planes k of (chosen[2k + 1] rejected[2k] - chosen[2k] rejected[2k + 1])        the area that the two span in each plane
    loss = -log sigmoid(lead)        [N], nats;   chosen_score, rejected_score [N, 2 planes]

The lead of one over the other is exactly minus that of the other over the one, and 0 over itself. In one plane answers lie on a circle, and each beats those behind it.

Source: general preference models, arXiv 2410.02197 (its R with blocks (0, -1; 1, 0)).
Differs from Logistic: scores are vectors; equal to it where every vector is (1, score), which is Bradley-Terry as a special case.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class SkewLogistic:
    def lead(self, chosen_score: Tensor, rejected_score: Tensor) -> N:
        """By how much the chosen side is preferred, in nats of log-odds."""
        planes = chosen_score.shape[-1] // 2
        chosen, rejected = (x[..., : 2 * planes].unflatten(-1, (planes, 2)) for x in (chosen_score, rejected_score))
        return (chosen[..., 1] * rejected[..., 0] - chosen[..., 0] * rejected[..., 1]).sum(-1)

    def __call__(self, chosen_score: Tensor, rejected_score: Tensor) -> N:
        return -F.logsigmoid(self.lead(chosen_score, rejected_score))


witness = (
    Witness(  # (1, 0) and (1, ln 3): Bradley-Terry with scores 0 and ln 3, sigmoid(-ln 3) = 1/4
        SkewLogistic(),
        parent=Logistic(),
        given={"chosen_score": [[1.0, 0.0]], "rejected_score": [[1.0, LN3]]},
        returns=[LN4],
        gradient={"chosen_score": [[0.75 * LN3, -0.75]], "rejected_score": [[0.0, 0.75]]},
    ),
    Witness(  # in a second plane the other way round: leads of -ln 3 and ln 3
        SkewLogistic(),
        parent=Logistic(),
        given={"chosen_score": [[1.0, 0.0, 1.0, LN3]], "rejected_score": [[1.0, LN3, 1.0, 0.0]]},
        returns=[LN4 / 2],
    ),
)


def admissible(inputs: dict) -> dict:
    """Vectors of one plane."""
    return inputs | {name: torch.stack([torch.ones_like(inputs[name]), inputs[name]], -1) for name in ("chosen_score", "rejected_score")}
