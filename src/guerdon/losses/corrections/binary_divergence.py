"""Binary divergence: as with a change of probability, but how far a step has gone is told by a divergence, which minds small probabilities.

    divergence = KL(p_old || p) of whether the step was taken or another one = p_old log(p_old / p) + (1 - p_old) log((1 - p_old) / (1 - p))
    weight     = 0 where advantage > 0, p > p_old and divergence > high, or advantage < 0, p < p_old and divergence > low, else 1        [B, T], without a gradient

Source: DPPO with the binary KL, Rethinking the Trust Region in LLM Reinforcement Learning, arXiv 2602.04879; ``dppo_type: binary_kl`` of SkyRL, whose default bounds are 0.2
for both of its divergences, though it recommends 0.05 for this one, and whose 1e-8 is added to the probabilities of another step. It is
of the policy that learns: ``view: ""`` of ``corrected``.
Differs from ProbabilityChange: from 1 % to 2 % counts four times as much as from 50 % to 52 %, though the change of probability is half as large.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.losses.corrections.probability_change import ProbabilityChange
from guerdon.quantities import BT
from guerdon.witness import Limit, Witness

_OTHER = 1e-8


@dataclass(frozen=True)
class BinaryDivergence:
    drops: ClassVar[bool] = True
    low: float = 0.2
    high: float = 0.2

    def __call__(self, log_ratio: BT, old_logp: BT, advantage: BT) -> BT:
        log_ratio, old_logp = log_ratio.detach(), old_logp.detach()
        before, now = old_logp.exp(), (old_logp + log_ratio).exp()
        divergence = -before * log_ratio + (1 - before) * torch.log((1 - before + _OTHER) / (1 - now + _OTHER))
        up = (advantage > 0) & (log_ratio > 0) & (divergence > self.high)
        down = (advantage < 0) & (log_ratio < 0) & (divergence > self.low)
        return 1 - (up | down).to(log_ratio.dtype)


LN2 = 0.6931471805599453
_HALF, _RARE = -LN2, -4.605170185988092  # 1/2 and 1/100
_steps = {  # from 1/2 to 9/10, 1/10, 3/4 and 1/4: 0.51, 0.51, 0.14 and 0.14; from 1/100 to 5/100: 0.025
    "old_logp": [[_HALF, _HALF, _HALF, _HALF, _RARE]] * 2,
    "log_ratio": [[0.5877866649021191, -1.6094379124341003, 0.4054651081081644, -LN2, 1.6094379124341003]] * 2,
    "advantage": [[1.0] * 5, [-1.0] * 5],
    "mask": [[1] * 5] * 2,
}
witness = (
    Witness(
        BinaryDivergence(),
        parent=ProbabilityChange(),
        given=_steps,
        returns=[[0.0, 1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 1.0, 1.0]],
        gradient={"log_ratio": None, "old_logp": None, "advantage": None},
    ),
    Witness(
        BinaryDivergence(high=0.02),
        parent=BinaryDivergence(),
        given=_steps,
        returns=[[0.0, 1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 1.0, 1.0, 1.0]],
    ),
    Witness(
        BinaryDivergence(low=0.1), parent=BinaryDivergence(), given=_steps, returns=[[0.0, 1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 0.0, 1.0]]
    ),
)


def _untouched(inputs: dict) -> dict:
    return inputs | {"log_ratio": inputs["log_ratio"] * 0}


limits = (Limit(BinaryDivergence(), equals=ProbabilityChange(), when="nothing has moved", under=_untouched),)
