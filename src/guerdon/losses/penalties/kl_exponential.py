"""KL, exponential estimate (k3): the log-ratio with a control variate that makes it non-negative and keeps it unbiased.

    penalty = exp(ref_logp - logp) - 1 - (ref_logp - logp)        [B, T], nats; its expectation under the policy is KL(policy || reference)

*In the loss* (GRPO), on the policy's own samples, its expected gradient is not that of KL(policy || reference) but that of the other
direction, KL(reference || policy), of each step: the same minimum, covering where the other seeks modes. The exponential is unbounded
where the policy finds a step much less likely than the reference does; 20 nats below, it goes on as its tangent (``guerdon.exponentials``): at 100
nats the penalty is 3.9e10 and its gradient -4.9e8, where e^100 is infinite in float32.

Source: Schulman 2020, Approximating KL divergence (joschu.net/blog/kl-approx.html), k3; in the loss, GRPO, arXiv 2402.03300, eq. 4; the
gradient, arXiv 2506.09477.
Differs from KLDirect: the gradient is weighted by 1 - exp(ref_logp - logp).
"""

from dataclasses import dataclass

from guerdon.exponentials import expm1
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class KLExponential:
    def __call__(self, logp: BT, ref_logp: BT) -> BT:
        away = ref_logp.detach() - logp
        return expm1(away) - away


LN2 = 0.6931471805599453
witness = Witness(
    KLExponential(),
    parent=KLDirect(),
    given={"logp": [[0.0, -LN2]], "ref_logp": [[-LN2, 0.0]]},
    returns=[[LN2 - 0.5, 1.0 - LN2]],
    gradient={"logp": [[0.5, -1.0]], "ref_logp": None},
)
