"""Alpha divergence: the implicit reward where the policy is held to the reference by an alpha divergence instead of the KL.

    score = beta (1 - t^-alpha) / alpha,   t = pi / ref of the sequence        [B], in units of reward

Towards ``alpha`` 0: the reverse KL, beta log t, which is DPO's; 1: the forward KL, beta (1 - 1 / t). The reward is the derivative f'(t) of the
divergence D_f = E_ref[f(t)], up to a constant that cancels in a comparison.

Source: f-DPO, arXiv 2309.16240, table 1 (the derivatives), whose alpha this is. TRL 1.16 counts from the other end: its ``f_alpha_divergence_coef`` is 1 - ``alpha``, so
that its 1 is DPO and its 0 the forward KL (``forward_kl``); so did this part until 2026-11. ``alpha`` 1: the one of the family that has a name of its own besides DPO.
``beta`` 0.1: DPO's.
Differs from LogRatio: above 0, the reward of what the policy has become likely to say is bounded by beta / alpha, and that of what it no longer
says falls without bound, so that the policy covers what the reference says. From e^36 on it falls in proportion to the
log-ratio (``guerdon.exponentials``), where TRL cuts the exponent at 80 and with it the gradient.
"""

from dataclasses import dataclass

from guerdon.exponentials import AT_OF_SEQUENCE, expm1
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.quantities import BT, B, Mask
from guerdon.steps import total
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class AlphaDivergence:
    alpha: float = 1.0
    beta: float = 0.1

    def __call__(self, logp: BT, ref_logp: BT, mask: Mask) -> B:
        ratio = total(logp - ref_logp.detach(), mask)
        return self.beta * (ratio if self.alpha == 0 else -expm1(-self.alpha * ratio, AT_OF_SEQUENCE) / self.alpha)


LN2 = 0.6931471805599453
_twice = {"logp": [[-1.0, 9.0]], "ref_logp": [[-1.0 - LN2, 5.0]], "mask": [[1, 0]]}  # t = 2
witness = (
    Witness(
        AlphaDivergence(beta=1.0),
        parent=LogRatio(beta=1.0),
        given=_twice,
        returns=[0.5],
        gradient={"logp": [[0.5, 0.0]], "ref_logp": None},
    ),
    Witness(
        AlphaDivergence(alpha=-1.0, beta=3.0),
        parent=AlphaDivergence(beta=3.0),
        given=_twice,
        returns=[3.0],
        gradient={"logp": [[6.0, 0.0]]},
    ),
)
limits = (Limit(AlphaDivergence(alpha=0.0, beta=0.3), equals=LogRatio(beta=0.3), when="alpha is 0"),)
