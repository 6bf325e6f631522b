"""Implicit reward: what a teacher that was fitted to comparisons says of each step, taken from the reward with its sign turned round.

    penalty = ref_logp - teacher_logp        [B, T], nats

As a penalty *of the reward* with weight beta_1 it adds beta_1 * log(teacher / reference) at every step: the reward that DPO has learned, dense, where it was earned. Summed over a
sequence it is DPO's implicit reward. ``teacher`` is bound to the DPO policy. In the loss it does nothing: no gradient.

Source: RTO, arXiv 2404.18922 (token-wise rewards by DPO); r to Q*, arXiv 2404.12358.
Differs from KLDirect: the teacher's lead over the reference and not the policy's.
"""

from dataclasses import dataclass

from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class ImplicitReward:
    def __call__(self, teacher_logp: BT, ref_logp: BT) -> BT:
        return ref_logp.detach() - teacher_logp.detach()


witness = Witness(
    ImplicitReward(),
    parent=KLDirect(),
    given={"teacher_logp": [[-1.0, -2.0]], "ref_logp": [[-3.0, -1.0]]},
    returns=[[-2.0, 1.0]],
    gradient={"teacher_logp": None, "ref_logp": None},
)
