"""Progress: a step is rewarded with what is said after it, less what was said before it.

    reward_k = scale * (score_k - score_(k-1)),   score_0 = ``start``        [B, T], in units of the score

Where a score is how likely the answer still comes out right, this is the advantage of the step under whoever would finish it; the total is what is said of the last step, less
``start``, so that nothing is gained by steps that change nothing.

Source: Rewarding Progress, arXiv 2410.08146 (process advantage verifiers: the step's advantage under a prover); MRT, arXiv 2503.07572 (the change of the chance of success over
a block). As a shaping by a potential: Ng, Harada and Russell 1999. ``start`` 0 and ``scale`` 1: the same number is taken from every answer to a prompt, which a group's mean
takes off.
Differs from ``to_next``: forward in time; what is to come from a step on is how far it is still to go.
"""

from dataclasses import dataclass

import torch

from guerdon.feedback.step_shaping.only_penalties import _given
from guerdon.feedback.step_shaping.to_next import ToNext
from guerdon.quantities import BT, Mask
from guerdon.steps import along_steps, clean
from guerdon.witness import Witness


@dataclass(frozen=True)
class Progress:
    start: float = 0.0
    scale: float = 1.0

    def __call__(self, step_score: BT, mask: Mask) -> BT:
        score = clean(step_score, mask)
        before, out = torch.full_like(score.sum(-1), self.start), []
        for t in range(mask.shape[1]):
            out.append(self.scale * (score[:, t] - before))
            before = torch.where(mask[:, t], score[:, t], before)
        return clean(along_steps(out, mask), mask)


witness = (
    Witness(Progress(), parent=ToNext(), given=_given, returns=[[0.25, 0.0, 0.5, -0.25]]),
    Witness(Progress(start=0.5), parent=Progress(), given=_given, returns=[[-0.25, 0.0, 0.5, -0.25]]),
    Witness(Progress(scale=2.0), parent=Progress(), given=_given, returns=[[0.5, 0.0, 1.0, -0.5]]),
)
