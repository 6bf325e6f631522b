"""KL, direct estimate (k1): the log-ratio itself.

    penalty = logp - ref_logp        [B, T], nats; its expectation under the policy is KL(policy || reference)

*In the reward* it is the usual penalty of RLHF, unbiased in value and, through the advantage, in gradient. *In the loss* its gradient is
that of logp alone, which is zero in expectation on the policy's own samples: it adds noise and holds nothing. Use KLSquare there.

Source: Schulman 2020, Approximating KL divergence (joschu.net/blog/kl-approx.html), k1; in the reward, Ziegler et al. 2019,
arXiv 1909.08593, eq. 2; the gradient, arXiv 2506.09477.
"""

from dataclasses import dataclass

from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class KLDirect:
    def __call__(self, logp: BT, ref_logp: BT) -> BT:
        return logp - ref_logp.detach()


witness = Witness(
    KLDirect(),
    given={"logp": [[-1.0, -2.0]], "ref_logp": [[-3.0, -1.0]]},
    returns=[[2.0, -1.0]],
    gradient={"logp": [[1.0, 1.0]], "ref_logp": None},
)
