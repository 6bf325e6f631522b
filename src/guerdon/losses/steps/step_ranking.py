"""Step ranking: right steps rise along an answer and lie a margin above its wrong ones; how high all of them lie is told by the start, whose score is 0.

    loss = - mean over right steps t, and the start if a step is wrong, of
             score_t - log(sum over the start and right steps q up to t of e^score_q + sum over wrong steps w of e^(score_w + margin))        [B], nats

A step that is right makes success likelier than it was, one that is wrong makes it unlikely: a score is the logit of that, and what is learned is the order. Steps with a label
of 1/2 or more are right.

Source: PQM, Li and Li 2024, arXiv 2410.11287, eq. 9, and its authors' code (Process_Q_Model, ``train_main.py``), margin 4. From an answer's second right step on that code
counts a step's own exponential twice, which the paper does not, nor does this; for answers with one right step both are the same, and are tested to be.
Differs from StepCrossEntropy: steps are compared with each other, and not each called right or wrong.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F

from guerdon.losses.comparisons.logistic import LN3
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.quantities import BT, B, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class StepRanking:
    per_item: ClassVar[bool] = True  # a loss per sequence, not per step

    margin: float = 4.0

    def __call__(self, step_score: BT, step_label: BT, mask: Mask) -> B:
        never = torch.finfo(step_score.dtype).min
        right, wrong = mask & (step_label >= 0.5), mask & (step_label < 0.5)
        score = F.pad(step_score, (1, 0))  # before the first step lies the start
        counts = torch.cat([wrong.any(-1, keepdim=True), right], -1)
        risen = torch.logcumsumexp(torch.where(F.pad(right, (1, 0), value=True), score, never), -1)
        fallen = torch.where(wrong, step_score + self.margin, never).logsumexp(-1, keepdim=True)
        each = torch.logaddexp(risen, fallen) - score
        return torch.where(counts, each, 0.0).sum(-1) / counts.sum(-1).clamp(min=1)


LN2 = 0.6931471805599453
_given = {
    "step_score": [[LN3, 0.0, 0.0, 7.0], [0.0, LN3, 0.0, 0.0]],
    "step_label": [[1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 0.0, 0.0]],
    "mask": [[1, 1, 1, 0], [1, 1, 0, 0]],
}
witness = (
    Witness(  # the start 1 of 1 + 2, then 3 of 1 + 3 + 2; without a wrong step 1 of 2 and 3 of 5
        StepRanking(margin=0.0),
        parent=StepCrossEntropy(),
        given=_given,
        returns=[(LN3 + LN2) / 2, (LN2 + 1.6094379124341003 - LN3) / 2],
        gradient={"step_score": [[-1 / 4, 1 / 4, 1 / 4, 0.0], [-0.15, -0.2, 0.0, 0.0]]},
    ),
    Witness(  # each wrong one counts as 3: 1 of 7, and 3 of 10
        StepRanking(margin=LN3),
        parent=StepRanking(margin=0.0),
        given={name: value[:1] for name, value in _given.items()},
        returns=[(1.9459101490553132 + 2.302585092994046 - LN3) / 2],
        gradient={"step_score": [[-0.35, (3 / 7 + 3 / 10) / 2, (3 / 7 + 3 / 10) / 2, 0.0]]},
    ),
)
