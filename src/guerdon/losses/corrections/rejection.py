"""Rejection: a step, or a sequence, of which the two policies are too far apart is left out; the others count as they are.

    weight = 1 where low <= ratio <= high, else 0,   ratio = exp(log_ratio) of the level        [B, T], without a gradient

Source: verl's rollout correction, ``rollout_rs`` with ``token_k1`` (each step), ``seq_sum_k1`` (``level: product``) and ``seq_mean_k1``
(``level: geometric_mean``), and its bounds: 0.5 and 2 are those of its documentation; Li et al. 2025, arXiv 2512.23075, on masks of whole
sequences. Of the geometric mean much narrower ones are in use, such as 0.999 and 1.001. Its statistic is -log_ratio, so that bounds which
are no reciprocals of each other change places: ``lower_upper`` there is 1 / upper and 1 / lower here.
Differs from Masked: what is kept is not weighed. Differs from verl: what is left out is still counted by averages (its mask takes it from
their denominator).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.corrections._ratio import around_one, between, log_ratio_of
from guerdon.losses.corrections.masked import Masked
from guerdon.losses.corrections.truncated import LN2
from guerdon.losses.levels import Level
from guerdon.losses.levels.geometric_mean import GeometricMean, one_step
from guerdon.losses.levels.product import Product
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Rejection:
    drops: ClassVar[bool] = True
    low: float = 0.5
    high: float = 2.0
    level: Level | None = None  # None: each step has its own ratio

    def __post_init__(self) -> None:
        around_one("rejection", self.low, self.high, "low and high")

    def __call__(self, log_ratio: BT, mask: Mask) -> BT:
        return between(log_ratio_of(self.level, log_ratio, mask), self.low, self.high).to(log_ratio.dtype)


_stale = {"log_ratio": [[2 * LN2, -2 * LN2, LN2], [LN2, LN2, 9.0]], "mask": [[1, 1, 1], [1, 1, 0]]}  # 4, 1/4, 2 and 2, 2
witness = (
    Witness(
        Rejection(low=0.5, high=3.0),
        parent=Masked(low=0.5, high=3.0),
        given=_stale,
        returns=[[0.0, 0.0, 1.0], [1.0, 1.0, 1.0]],
        gradient={"log_ratio": None},
    ),
    Witness(Rejection(0.2, 3.0), parent=Rejection(0.5, 3.0), given=_stale, returns=[[0.0, 1.0, 1.0], [1.0, 1.0, 1.0]]),
    Witness(Rejection(0.5, 5.0), parent=Rejection(0.5, 3.0), given=_stale, returns=[[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]),
    Witness(Rejection(0.5, 3.0, Product()), parent=Rejection(0.5, 3.0), given=_stale, returns=[[1.0] * 3, [0.0, 0.0, 1.0]]),
    Witness(  # 2^(1/3) and 2
        Rejection(0.5, 1.5, GeometricMean()),
        parent=Rejection(0.5, 1.5, Product()),
        given=_stale,
        returns=[[1.0] * 3, [0.0, 0.0, 1.0]],
    ),
)


def _untouched(inputs: dict) -> dict:
    return inputs | {"log_ratio": inputs["log_ratio"] * 0}


limits = (
    Limit(Rejection(level=Product()), equals=Rejection(), when="sequences have one acted step", under=one_step),
    Limit(Rejection(level=GeometricMean()), equals=Rejection(), when="sequences have one acted step", under=one_step),
    Limit(Rejection(), equals=Masked(), when="nothing has moved", under=_untouched),
    Limit(Rejection(0.0, math.inf), equals=Masked(0.5, 5.0), when="nothing has moved, whatever the bounds", under=_untouched),
)
