"""Sequence ratio (GSPO): clip by how much the likelihood of the whole sequence has changed, per step.

    s    = exp(mean over acted steps of (logp - old_logp))                     one number per sequence
    s_t  = sg[s] * exp(logp_t - sg[logp_t])                                    the value of s, the gradient of step t
    loss = -min(s_t * advantage_t, clip(s_t, 1 - epsilon, 1 + epsilon_high) * advantage_t)        [B, T], 0 where mask is false

With an advantage that is the same at every step and the sequence mean as reduction this has the value and the gradient of the sequence form
-min(s A, clip(s) A); unlike it, it takes advantages that differ from step to step.

Source: GSPO, arXiv 2507.18071, eqs. 5 and 7 (sequence form), eqs. 13 and 14 (token form, which is implemented). ``epsilon`` 3e-4 and
``epsilon_high`` 4e-4: its section 5.1; small because a mean of log-ratios varies far less than one of them.
Differs from Clip: all steps of a sequence are kept or clipped together. The paper's reduction is the sequence mean; with the token mean,
long sequences count more.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.exponentials import exp
from guerdon.losses.surrogates.clip import LN2, Clip
from guerdon.quantities import BT, Mask
from guerdon.steps import average, clean
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class SequenceRatio:
    silent_without: ClassVar[str] = "advantage"
    epsilon: float = 3e-4
    epsilon_high: float = 4e-4

    def __call__(self, logp: BT, old_logp: BT, advantage: BT, mask: Mask) -> BT:
        advantage = advantage.detach()
        whole = exp(average(logp.detach() - old_logp.detach(), mask))
        ratio = whole.unsqueeze(-1) * (logp - logp.detach()).exp()
        clipped = ratio.clamp(1 - self.epsilon, 1 + self.epsilon_high)
        return clean(-torch.minimum(ratio * advantage, clipped * advantage), mask)


_doubled = {  # the likelihood of each sequence has changed by 2 per step: 4 and 1, and 2 and (not acted) 1/2
    "logp": [[2 * LN2, 0.0], [LN2, -LN2]],
    "old_logp": [[0.0, 0.0], [0.0, 0.0]],
    "mask": [[1, 1], [1, 0]],
}
witness = (
    Witness(
        SequenceRatio(0.5, 0.5),
        parent=Clip(0.5),
        given=_doubled | {"advantage": [[-1.0, -3.0], [1.0, 1.0]]},
        returns=[[2.0, 6.0], [-1.5, 0.0]],
        gradient={"logp": [[2.0, 6.0], [0.0, 0.0]], "old_logp": None, "advantage": None},
    ),
    Witness(
        SequenceRatio(0.5, 2.0),
        parent=SequenceRatio(0.5, 0.5),
        given=_doubled | {"advantage": [[1.0, 1.0], [1.0, 1.0]]},
        returns=[[-2.0, -2.0], [-2.0, 0.0]],
        gradient={"logp": [[-2.0, -2.0], [-2.0, 0.0]]},
    ),
)


def _one_step(inputs: dict) -> dict:
    first = torch.zeros_like(inputs["mask"])
    first[:, 0] = True
    return inputs | {"mask": first}


def _on_policy(inputs: dict) -> dict:
    return inputs | {"old_logp": inputs["logp"].detach().clone()}


limits = (
    Limit(SequenceRatio(0.2, 0.3), equals=Clip(0.2, epsilon_high=0.3), when="sequences have one acted step", under=_one_step),
    Limit(SequenceRatio(), equals=Clip(), when="the policy that acted is the policy", under=_on_policy),
)
