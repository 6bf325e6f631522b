"""KL, square estimate (k2): half the squared log-ratio, never negative.

    penalty = (logp - ref_logp)^2 / 2        [B, T], nats; a biased estimate of KL(policy || reference), close where the two are

*In the loss*, on the policy's own samples, its expected gradient is exactly that of KL(policy || reference) of each step (the effect of a
step on the steps after it is left out, as in every per-step penalty of the loss). *In the reward* its bias is what is optimised.

Source: Schulman 2020, Approximating KL divergence (joschu.net/blog/kl-approx.html), k2; the gradient, arXiv 2506.09477.
Differs from KLDirect: the gradient is weighted by the log-ratio.
"""

from dataclasses import dataclass

from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class KLSquare:
    def __call__(self, logp: BT, ref_logp: BT) -> BT:
        return (logp - ref_logp.detach()) ** 2 / 2


witness = Witness(
    KLSquare(),
    parent=KLDirect(),
    given={"logp": [[-1.0, -2.0]], "ref_logp": [[-3.0, -1.0]]},
    returns=[[2.0, 0.5]],
    gradient={"logp": [[2.0, -1.0]], "ref_logp": None},
)
