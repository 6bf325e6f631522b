"""Log-ratio to the iterate: how much more likely than a mixture of the reference and the previous policy, as mirror descent steps from the one
and is held by the other.

    score = beta * sum over acted steps of (logp - share * ref_logp - (1 - share) * previous_logp)        [B]

Mirror descent in a game with a KL penalty of weight tau and a step size 1 / eta goes from pi_t to ref^(tau / eta) pi_t^(1 - tau / eta)
exp(P(y beats pi_t) / eta): ``share`` is tau / eta. With Square(target=1 / (2 eta)) on pairs that pi_t drew, the minimiser is that step,
though no win rate is ever estimated (INPO).

``previous`` is a view that an update writes: ``ResetReference(every=..., into="previous")``.

Source: INPO, arXiv 2407.00617 (its h_t).
Differs from LogRatio: two anchors.
Defaults: ``share`` 1/3: ours; ``beta`` 1: the unit of its loss.
"""

from dataclasses import dataclass

from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.quantities import BT, B, Mask
from guerdon.steps import total
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class LogRatioToIterate:
    beta: float = 1.0
    share: float = 1 / 3

    def __call__(self, logp: BT, ref_logp: BT, previous_logp: BT, mask: Mask) -> B:
        anchor = self.share * ref_logp + (1 - self.share) * previous_logp
        return self.beta * total(logp - anchor.detach(), mask)


witness = Witness(  # anchors -2 + -1 and -3 + -1, of which a quarter and three quarters
    LogRatioToIterate(beta=2.0, share=0.25),
    parent=LogRatio(beta=2.0),
    given={
        "logp": [[-1.0, -1.0, 9.0]],
        "ref_logp": [[-2.0, -1.0, 5.0]],
        "previous_logp": [[-3.0, -1.0, 5.0]],
        "mask": [[1, 1, 0]],
    },
    returns=[3.5],
    gradient={"logp": [[2.0, 2.0, 0.0]], "ref_logp": None, "previous_logp": None},
)


def _still(inputs: dict) -> dict:
    """The previous policy is the reference."""
    return inputs | {"previous_logp": inputs["ref_logp"].clone()}


limits = (
    Limit(LogRatioToIterate(beta=0.1, share=0.3), equals=LogRatio(beta=0.1), when="the previous policy is the reference", under=_still),
    Limit(LogRatioToIterate(beta=0.1, share=1.0), equals=LogRatio(beta=0.1), when="only the reference counts"),
)
