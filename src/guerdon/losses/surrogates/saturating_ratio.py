"""Saturating ratio: what a step may gain ends at 1, and is earned mostly while the step is unlikely.

    ratio = exp(logp - old_logp)
    loss  = -ratio / (ratio + half) * advantage        [B, T]

The gradient has the factor half ratio / (ratio + half)^2 where that of the ratio has ratio: a step that was likely to whoever wrote it and has become rare is pulled up with up
to 1 / (4 half) of it, one that the policy says as often as them hardly any more. So what is replayed teaches what is lost, and what is known anyway does not
take entropy away.

Source: the shaping of LUFFY, Yan et al. 2025, arXiv 2504.14945, f(x) = x / (x + 0.1), of the policy's probability there; of its ratio to who drew it in ExGRPO, Zhan et al. 2025,
arXiv 2510.02245, and in the code of both (``off_policy_reshape: p_div_p_0.1``).
Differs from SoftGate: steps that have become rare keep most of the gradient, not those near a ratio of 1.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.errors import InputError
from guerdon.losses.surrogates.clip import LN2
from guerdon.losses.surrogates.soft_gate import SoftGate
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class SaturatingRatio:
    silent_without: ClassVar[str] = "advantage"
    half: float = 0.1

    def __post_init__(self) -> None:
        if self.half <= 0:
            raise InputError(f"saturating_ratio.half is {self.half}, the ratio at which half is gained; give a number above 0")

    def __call__(self, logp: BT, old_logp: BT, advantage: BT) -> BT:
        return -torch.sigmoid(logp - old_logp.detach() - math.log(self.half)) * advantage.detach()


_moved = {"logp": [[0.0, -LN2, LN2]], "old_logp": [[0.0, 0.0, 0.0]], "advantage": [[1.0, 1.0, -2.0]]}  # ratios 1, 1/2 and 2
witness = (
    Witness(
        SaturatingRatio(0.5),
        parent=SoftGate(),
        given=_moved,
        returns=[[-2 / 3, -0.5, 1.6]],
        gradient={"logp": [[-2 / 9, -0.25, 0.32]], "old_logp": None, "advantage": None},
    ),
    Witness(
        SaturatingRatio(1.0),
        parent=SaturatingRatio(0.5),
        given=_moved,
        returns=[[-0.5, -1 / 3, 4 / 3]],
        gradient={"logp": [[-0.25, -2 / 9, 4 / 9]]},
    ),
)
