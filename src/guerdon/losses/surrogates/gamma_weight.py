"""Gamma weight (VESPO): a sequence counts by a smooth function of its whole importance weight, which is 1 at 1 and falls on either side.

    w    = exp(sum over acted steps of (logp - old_logp))                 one number per sequence
    phi  = w^k * exp(decay * (1 - w))                                     the kernel of a gamma distribution, 1 at w = 1
    loss = -sg[phi] * advantage * logp        [B, T]

``k`` and ``decay`` are those of the sign of the step's advantage. The maximum is at w = k / decay: what is praised counts most where it has become
less likely, what is blamed where it has become likelier. An answer of which the policy has moved far away counts nothing, in either direction.

Source: VESPO, arXiv 2602.10693, which derives it from bounding the variance of the weights; ``loss_type: vespo`` of TRL, whose numbers these are
(``vespo_k_pos`` ...), as they are its authors' code's. Its weight is cut below at 1e-8, which changes the loss by less than 1e-14.
Differs from BoundedWeight: the weight is of whole sequences, without dividing by their length, and is damped rather than cut.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.exponentials import exp
from guerdon.losses.surrogates.bounded_weight import BoundedWeight
from guerdon.losses.surrogates.clip import LN2
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.quantities import BT, Mask
from guerdon.steps import total
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class GammaWeight:
    silent_without: ClassVar[str] = "advantage"
    k: float = 2.0  # where the advantage is 0 or more
    decay: float = 3.0
    k_negative: float = 3.0
    decay_negative: float = 2.0

    def __call__(self, logp: BT, old_logp: BT, advantage: BT, mask: Mask) -> BT:
        advantage = advantage.detach()
        moved = total(logp.detach() - old_logp.detach(), mask).unsqueeze(-1)
        praised = advantage >= 0
        k = torch.full_like(advantage, self.k_negative).masked_fill(praised, self.k)
        decay = torch.full_like(advantage, self.decay_negative).masked_fill(praised, self.decay)
        weight = (decay + k * moved - decay * exp(moved)).exp()
        return -weight * advantage * logp


_moved = {  # twice as likely as they were, and half as likely
    "logp": [[LN2, 0.0], [0.0, -LN2]],
    "old_logp": [[0.0, 0.0], [0.0, 0.0]],
    "advantage": [[1.0, -1.0], [1.0, -1.0]],
    "mask": [[1, 1], [1, 1]],
}
_P, _N = 0.19914827347145578, 1.0826822658929016  # 4 e^-3, 8 e^-2
_p, _n = 1.1204222675845161, 0.33978522855738065  # e^1.5 / 4, e / 8
witness = (
    Witness(
        GammaWeight(),
        parent=BoundedWeight(),
        given=_moved,
        returns=[[-_P * LN2, 0.0], [0.0, -_n * LN2]],
        gradient={"logp": [[-_P, _N], [-_p, _n]], "old_logp": None, "advantage": None},
    ),
    Witness(  # 2 e^-3 and e^1.5 / 2 of what is praised
        GammaWeight(k=1.0),
        parent=GammaWeight(),
        given=_moved,
        returns=[[-_P * LN2 / 2, 0.0], [0.0, -_n * LN2]],
        gradient={"logp": [[-_P / 2, _N], [-2 * _p, _n]]},
    ),
    Witness(
        GammaWeight(decay=2.0, k_negative=2.0, decay_negative=3.0),
        parent=GammaWeight(),
        given=_moved,
        returns=[[-_N / 2 * LN2, 0.0], [0.0, -_p * LN2]],
        gradient={"logp": [[-_N / 2, _P], [-2 * _n, _p]]},
    ),
)


def _on_policy(inputs: dict) -> dict:
    return inputs | {"old_logp": inputs["logp"].detach().clone()}


limits = (
    Limit(GammaWeight(), equals=Reinforce(), when="the policy that acted is the policy", under=_on_policy),
    Limit(GammaWeight(0.0, 0.0, 0.0, 0.0), equals=Reinforce(), when="k and decay are 0: no weight"),
)
