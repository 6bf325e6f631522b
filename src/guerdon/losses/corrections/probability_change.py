"""Probability change: a step that already went further than a bound in the direction that its advantage favours is left out.

    change = exp(old_logp + log_ratio) - exp(old_logp)                       probability now minus probability when it was drawn
    weight = 0 where advantage > 0 and change > high, or advantage < 0 and change < -low, else 1        [B, T], without a gradient

Bounds of a ratio hold unlikely steps too tight and likely ones too loose: from 1 % to 2 % the ratio doubles and hardly anything changes,
from 99 % to 80 % much does and the ratio is 0.8. What is bounded here is the total variation between the two policies' distributions over
the step taken and all others.

Source: DPPO with the binary total variation, Rethinking the Trust Region in LLM Reinforcement Learning, arXiv 2602.04879; the default of
prime-rl since then, with 0.2 on both sides (``dppo_mask_low`` and ``dppo_mask_high``), which are taken from there. It is of the policy that
learns: ``view: ""`` of ``corrected``.
Differs from Rejection: differences of probabilities in the place of ratios, and only where the advantage would go on in the same direction.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.corrections.rejection import Rejection
from guerdon.quantities import BT
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class ProbabilityChange:
    drops: ClassVar[bool] = True
    low: float = 0.2
    high: float = 0.2

    def __call__(self, log_ratio: BT, old_logp: BT, advantage: BT) -> BT:
        before = old_logp.detach()
        change = (before + log_ratio.detach()).exp() - before.exp()
        beyond = ((advantage > 0) & (change > self.high)) | ((advantage < 0) & (change < -self.low))
        return 1 - beyond.to(log_ratio.dtype)


LN2, LN5 = 0.6931471805599453, 1.6094379124341003
_steps = {  # from 1/2 to 1, from 1/2 to 1/4, from 1/100 to 5/100, and from 1 to 1/2
    "old_logp": [[-LN2, -LN2, -4.605170185988092, 0.0]] * 2,
    "log_ratio": [[LN2, -LN2, LN5, -LN2]] * 2,
    "advantage": [[1.0] * 4, [-1.0] * 4],
    "mask": [[1, 1, 1, 1]] * 2,
}
witness = (
    Witness(
        ProbabilityChange(),
        parent=Rejection(0.8, 1.2),
        given=_steps,
        returns=[[0.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 0.0]],
        gradient={"log_ratio": None, "old_logp": None, "advantage": None},
    ),
    Witness(ProbabilityChange(high=0.01), parent=ProbabilityChange(), given=_steps, returns=[[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]]),
    Witness(ProbabilityChange(low=0.3), parent=ProbabilityChange(), given=_steps, returns=[[0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0]]),
)


def _untouched(inputs: dict) -> dict:
    return inputs | {"log_ratio": inputs["log_ratio"] * 0}


limits = (Limit(ProbabilityChange(), equals=Rejection(), when="nothing has moved", under=_untouched),)
