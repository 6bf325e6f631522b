"""Step cross-entropy: what is said of a step is the log-odds that it is right.

    loss = -label log sigmoid(score) - (1 - label) log sigmoid(-score)        [B, T], nats

``step_label``: 1 right, 0 wrong, or a probability: the share of continuations from there that came out right (soft labels).

Source: Math-Shepherd, arXiv 2312.08935, eq. 2, whose eq. 3 and 4 are the soft and the hard label; Let's Verify Step by Step, arXiv 2305.20050, with labels of people.
Differs from CrossEntropy: a verdict on every step and not on the whole.
"""

from dataclasses import dataclass

import torch.nn.functional as F

from guerdon.losses.comparisons.logistic import LN3, LN4
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class StepCrossEntropy:
    def __call__(self, step_score: BT, step_label: BT) -> BT:
        return F.binary_cross_entropy_with_logits(step_score, step_label.to(step_score.dtype), reduction="none")


witness = Witness(  # sigmoid(ln 3) = 3/4; of the third step that is what the label says
    StepCrossEntropy(),
    given={"step_score": [[LN3, LN3, LN3]], "step_label": [[1.0, 0.0, 0.75]]},
    returns=[[LN4 - LN3, LN4, LN4 - 0.75 * LN3]],
    gradient={"step_score": [[-0.25, 0.75, 0.0]]},
)
