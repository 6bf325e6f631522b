"""KL, forward, on the other model's most likely steps: what it would most likely do, and the rest as one step.

    ref_k, p_k: of the reference's K most likely next steps, and, of the tail, 1 minus their sum        K + 1 numbers that sum to 1
    penalty = sum_k ref_k (log ref_k - log p_k)        [B, T], nats
    without a ``tail`` the sum is over the K steps as they are: not a divergence, it may be negative, but its gradient is that of the K steps alone

K is ``guerdon.quantities.TOP``. What K steps of a teacher say can be kept and sent, where whole distributions cannot.

Source: verl's distillation, ``forward_kl_topk_tail`` and, without a tail, ``forward_kl_topk``. With a tail it is KLForward of the distributions in which all
unlikely steps are one, hence never more than KLForward; that it is the default here is ours.
Differs from TopJensenShannon: whose most likely steps they are.
"""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from guerdon.losses.penalties.kl_forward import KLForward
from guerdon.losses.penalties.top_jensen_shannon import _kl, _with_tail
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class TopForwardKL:
    tail: bool = True

    def __call__(self, ref_top_logp: Float[Tensor, "B T K"], ref_shared_top_logp: Float[Tensor, "B T K"]) -> BT:
        ref, p = ref_top_logp.detach(), ref_shared_top_logp
        return _kl(_with_tail(ref), _with_tail(p)) if self.tail else _kl(ref, p)


# The reference's likeliest steps have 1/2 and 1/4, and 1/4 and 1/4 with the policy; the tails are 1/4 and 1/2. By log p_k: -ref_k + p_k (1/4) / (1/2).
_half, _quarter = math.log(0.5), math.log(0.25)
_given = {"ref_top_logp": [[[_half, _quarter]]], "ref_shared_top_logp": [[[_quarter, _quarter]]], "ref_forward_kl": [[0.4]]}
witness = (
    Witness(
        TopForwardKL(),
        parent=KLForward(),
        given=_given,
        returns=[[math.log(2) / 4]],
        gradient={"ref_shared_top_logp": [[[-0.375, -0.125]]], "ref_top_logp": None},
    ),
    Witness(
        TopForwardKL(tail=False),
        parent=TopForwardKL(),
        given=_given,
        returns=[[math.log(2) / 2]],
        gradient={"ref_shared_top_logp": [[[-0.5, -0.25]]]},
    ),
)
