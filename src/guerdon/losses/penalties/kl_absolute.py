"""KL, absolute estimate: the size of the log-ratio.

    penalty = |logp - ref_logp|        [B, T], nats

It is an estimate of no KL: a distance from the reference that grows in proportion. *In the loss*, on the policy's own samples, its expected
gradient is that of sum_v |p_v - ref_v| of each step, twice the total variation: each step is pulled back as hard, however far it has gone. *In the
reward* what is optimised is its expectation, E|log p - log ref|.

Source: ``kl_penalty: abs`` of verl and ``kl_estimator_type: abs`` of SkyRL; of the policy that acted (``Against``) in KL-Cov, Cui et al. 2025, arXiv
2505.22617.
Differs from KLSquare: the gradient has the sign of the log-ratio and not its size.
"""

from dataclasses import dataclass

from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class KLAbsolute:
    def __call__(self, logp: BT, ref_logp: BT) -> BT:
        return (logp - ref_logp.detach()).abs()


witness = Witness(
    KLAbsolute(),
    parent=KLSquare(),
    given={"logp": [[-1.0, -2.0, -1.0]], "ref_logp": [[-3.0, -1.0, -1.0]]},
    returns=[[2.0, 1.0, 0.0]],
    gradient={"logp": [[1.0, -1.0, 0.0]], "ref_logp": None},
)
