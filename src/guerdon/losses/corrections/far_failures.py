"""Far failures: a bad sequence of which the policy has moved away is left out; what was good, or is near, is kept.

    weight = 0 where advantage < 0 and mean over acted steps of -log_ratio > threshold, else 1        [B, T], without a gradient

From its own mistakes a policy learns most; a mistake that it would hardly make any more teaches little, and pushing it down further is what
makes runs unstable.

Source: off-policy sequence masking, DeepSeek-V3.2, arXiv 2512.02556, eq. 9, there between the policy that learns and the one that acted:
``view: ""`` of ``corrected``. The paper does not state its threshold; 0.5 nats a step is the example of TRL
(``off_policy_mask_threshold``).
Differs from Rejection: one-sided, and only of what is blamed.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.losses.corrections._ratio import log_ratio_of
from guerdon.losses.corrections.rejection import Rejection
from guerdon.losses.levels.geometric_mean import GeometricMean
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class FarFailures:
    drops: ClassVar[bool] = True
    threshold: float = 0.5

    def __call__(self, log_ratio: BT, advantage: BT, mask: Mask) -> BT:
        far = -log_ratio_of(GeometricMean(), log_ratio, mask) > self.threshold
        return 1 - (far & (advantage < 0)).to(log_ratio.dtype)


_given = {  # given up by 1 nat a step, and by 1/4 of one
    "log_ratio": [[-2.0, 0.0], [-2.0, 0.0], [-0.5, 0.0], [3.0, 1.0]],
    "advantage": [[-1.0, -1.0], [1.0, 1.0], [-1.0, -1.0], [-1.0, -1.0]],
    "mask": [[1, 1]] * 4,
}
witness = (
    Witness(
        FarFailures(0.5),
        parent=Rejection(0.6, 2.0, GeometricMean()),
        given=_given,
        returns=[[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]],
        gradient={"log_ratio": None, "advantage": None},
    ),
    Witness(FarFailures(0.2), parent=FarFailures(0.5), given=_given, returns=[[0.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]),
)


def _near(inputs: dict) -> dict:
    return inputs | {"log_ratio": torch.zeros_like(inputs["log_ratio"])}


limits = (Limit(FarFailures(), equals=Rejection(), when="nothing has moved", under=_near),)
