"""Cross-entropy: the score is the log-odds that the sequence is good.

    loss = -label log sigmoid(score) - (1 - label) log sigmoid(-score)        [B], nats

``label``: 1 good, 0 bad, or the probability that it is good.

Source: Math-Shepherd, arXiv 2312.08935, eq. 1, the outcome reward model (there with the sign of a likelihood). The idea, a verifier trained on whether
solutions reach the right answer: Cobbe et al. 2021, arXiv 2110.14168, section 4, who give no equation.
Differs from Logistic: a verdict on each sequence instead of a comparison of two, so the score has a zero of its own.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F

from guerdon.losses.comparisons.logistic import LN3, LN4
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class CrossEntropy:
    per_item: ClassVar[bool] = True  # a loss per sequence, not per step

    def __call__(self, score: B, label: B) -> B:
        return F.binary_cross_entropy_with_logits(score, label.to(score.dtype), reduction="none")


witness = Witness(  # sigmoid(ln 3) = 3/4; the third label is what the score says, so nothing pulls
    CrossEntropy(),
    given={"score": [LN3, LN3, LN3], "label": [1.0, 0.0, 0.75]},
    returns=[LN4 - LN3, LN4, LN4 - 0.75 * LN3],
    gradient={"score": [-0.25, 0.75, 0.0]},
)
