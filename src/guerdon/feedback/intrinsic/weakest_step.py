"""Weakest step: how probable the least likely step of what was said is.

    reward = min over acted steps of log p(step)        [B], nats; at most 0

Beside the mean with a small weight it keeps one step that cannot be followed from hiding among many that can.

Source: RLT, Cetin et al. 2025, arXiv 2506.08388, and its authors' code: the mean and 0.01 of the minimum of the student's log-probabilities of the solution.
Differs from LogLikelihood: one step counts.
"""

from dataclasses import dataclass

import torch

from guerdon.feedback.intrinsic import SelfMade
from guerdon.feedback.intrinsic.log_likelihood import LogLikelihood
from guerdon.quantities import BT, B, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class WeakestStep(SelfMade):
    def __call__(self, logp: BT, mask: Mask) -> B:
        if not mask.shape[-1]:
            return logp.sum(-1)
        return torch.where(mask.any(-1), torch.where(mask, logp, torch.inf).amin(-1), 0.0)


witness = Witness(
    WeakestStep(),
    parent=LogLikelihood(),
    given={"logp": [[-1.0, -2.0, -0.5], [-1.0, -9.0, -9.0], [-3.0, -3.0, -3.0]], "mask": [[1, 1, 1], [1, 0, 0], [0, 0, 0]]},
    returns=[-2.0, -1.0, 0.0],
)
