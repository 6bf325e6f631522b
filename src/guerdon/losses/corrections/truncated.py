"""Truncated: the importance weight, cut where it would be large.

    weight = clip(ratio, floor, cap),   ratio = exp(log_ratio) of the level        [B, T], 0 to ``cap``, without a gradient

Few steps that have become far more likely than they were when they were drawn no longer drown the others; what is cut off is a bias, in
exchange for a bounded variance.

Source: TIS, Yao et al. 2025, "Your Efficient RL Framework Secretly Brings You Off-Policy RL Training" (fengyao.notion.site/off-policy-rl),
with the ratio of the learner to the sampler; truncated weights before it: Ionides 2008, and IMPALA, arXiv 1802.01561, eq. 1. ``cap`` 2: the
default of verl (``rollout_is_threshold``); TRL has 3 (``vllm_importance_sampling_clip_max``). ``floor`` 0: no lower cut, as in the paper;
TRL has it as ``vllm_importance_sampling_clip_min``. The level is the step in the paper; ``level: product`` is ``rollout_is: sequence`` of
verl and ``sequence_truncate`` of TRL.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.corrections._ratio import around_one, log_ratio_of, ratio
from guerdon.losses.levels import Level
from guerdon.losses.levels.geometric_mean import GeometricMean, one_step
from guerdon.losses.levels.product import Product
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Truncated:
    drops: ClassVar[bool] = False
    cap: float = 2.0
    floor: float = 0.0
    level: Level | None = None  # None: each step has its own ratio

    def __post_init__(self) -> None:
        around_one("truncated", self.floor, self.cap, "floor and cap")

    def __call__(self, log_ratio: BT, mask: Mask) -> BT:
        return ratio(log_ratio_of(self.level, log_ratio, mask)).clamp(self.floor, self.cap)

    def truncates(self, log_ratio: BT, mask: Mask) -> Mask:
        """Where the weight is another one than the ratio."""
        full = ratio(log_ratio_of(self.level, log_ratio, mask))
        return (full > self.cap) | (full < self.floor)


LN2 = 0.6931471805599453
_stale = {"log_ratio": [[2 * LN2, -LN2, LN2], [LN2, -2 * LN2, 9.0]], "mask": [[1, 1, 1], [1, 1, 0]]}  # 4, 1/2, 2 and 2, 1/4
_full = Truncated(cap=math.inf)
witness = (
    Witness(_full, given=_stale, returns=[[4.0, 0.5, 2.0], [2.0, 0.25, 1.0]], gradient={"log_ratio": None}),
    Witness(Truncated(cap=3.0), parent=_full, given=_stale, returns=[[3.0, 0.5, 2.0], [2.0, 0.25, 1.0]], gradient={"log_ratio": None}),
    Witness(Truncated(cap=3.0, floor=0.5), parent=Truncated(cap=3.0), given=_stale, returns=[[3.0, 0.5, 2.0], [2.0, 0.5, 1.0]]),
    Witness(Truncated(cap=3.0, level=Product()), parent=Truncated(cap=3.0), given=_stale, returns=[[3.0, 3.0, 3.0], [0.5, 0.5, 1.0]]),
    Witness(  # 4^(1/3), and (1/2)^(1/2)
        Truncated(cap=3.0, level=GeometricMean()),
        parent=Truncated(cap=3.0, level=Product()),
        given=_stale,
        returns=[[4 ** (1 / 3)] * 3, [0.5**0.5, 0.5**0.5, 1.0]],
    ),
)
limits = (Limit(Truncated(level=Product()), equals=Truncated(), when="sequences have one acted step", under=one_step),)
