"""Soft gate: what a step may still gain fades as its ratio leaves 1, on either side, in the place of a bound at which it ends.

    tau  = tau where advantage > 0, else tau_negative
    gate = 4 / tau * sigmoid(tau * (ratio - 1)),   ratio = exp(logp - old_logp)
    loss = -gate * advantage        [B, T]

At ratio 1 its gradient is that of the ratio; e.g. at 3, with tau 1, the factor 4 sigmoid'(2) = 0.42 of it is left, and it never is 0. The value is
offset: 2 / tau at ratio 1.

Source: SAPO, arXiv 2511.20347: the gate and its temperatures, 1 and 1.05, of which the one for what is blamed is higher, since pushing a
token down raises many others. ``loss_type: sapo`` of TRL, ``loss_mode: sapo`` of verl; averaged by the sequence mean.
Differs from Clip: no step is left without a gradient, and none keeps it in full.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.exponentials import exp
from guerdon.losses.surrogates.clip import LN2, Clip
from guerdon.quantities import BT
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class SoftGate:
    silent_without: ClassVar[str] = "advantage"
    tau: float = 1.0
    tau_negative: float = 1.05

    def __call__(self, logp: BT, old_logp: BT, advantage: BT) -> BT:
        advantage = advantage.detach()
        ratio = exp(logp - old_logp.detach())
        tau = torch.full_like(advantage, self.tau_negative).masked_fill(advantage > 0, self.tau)
        return -4 / tau * torch.sigmoid(tau * (ratio - 1)) * advantage


_moved = {"logp": [[0.0, LN2, LN2]], "old_logp": [[0.0, 0.0, 0.0]], "advantage": [[1.0, 1.0, -1.0]]}  # ratios 1, 2 and 2
_S1, _S2 = 0.7310585786300049, 0.8807970779778823  # sigmoid(1) and sigmoid(2)
witness = (
    Witness(
        SoftGate(1.0, 2.0),
        parent=Clip(),
        given=_moved,
        returns=[[-2.0, -4 * _S1, 2 * _S2]],
        gradient={"logp": [[-1.0, -8 * _S1 * (1 - _S1), 8 * _S2 * (1 - _S2)]], "old_logp": None, "advantage": None},
    ),
    Witness(
        SoftGate(2.0, 2.0),
        parent=SoftGate(1.0, 2.0),
        given=_moved,
        returns=[[-1.0, -2 * _S2, 2 * _S2]],
        gradient={"logp": [[-1.0, -8 * _S2 * (1 - _S2), 8 * _S2 * (1 - _S2)]]},
    ),
)


def _on_policy(inputs: dict) -> dict:
    return inputs | {"old_logp": inputs["logp"].detach().clone()}


limits = (
    Limit(
        SoftGate(2.0, 2.0), equals=Clip(), when="the policy that acted is the policy; of other temperatures the gradient", under=_on_policy
    ),
)
