"""Masked: the importance weight where it is moderate, and nothing where it is not.

    weight = ratio where low <= ratio <= high, else 0,   ratio = exp(log_ratio) of the level        [B, T], without a gradient

Where two programs are far apart about a step, that of the two which is right is not known: such a step is left out, on either side, rather
than pulled at.

Source: IcePop, Ring-1T, arXiv 2510.18855, the masking function M of its objective; 0.5 and 5 are the bounds that verl gives for it, the
paper's were not looked up. ``level: product`` is masked
importance sampling of sequences, ``sequence_mask`` of TRL (there [0, 3] by default); per step it is ``token_mask``, and verl's
``rollout_is_threshold: 0.5_5.0``.
Differs from Truncated: beyond a bound the weight is 0 instead of the bound, and there is a lower one. A step that is left out is still
counted by averages.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.losses.corrections._ratio import around_one, between, log_ratio_of, ratio
from guerdon.losses.corrections.truncated import LN2, Truncated
from guerdon.losses.levels import Level
from guerdon.losses.levels.geometric_mean import one_step
from guerdon.losses.levels.product import Product
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Masked:
    drops: ClassVar[bool] = False
    low: float = 0.5
    high: float = 5.0
    level: Level | None = None  # None: each step has its own ratio

    def __post_init__(self) -> None:
        around_one("masked", self.low, self.high, "low and high")

    def __call__(self, log_ratio: BT, mask: Mask) -> BT:
        own = log_ratio_of(self.level, log_ratio, mask)
        return torch.where(between(own, self.low, self.high), ratio(own), 0.0)


_stale = {"log_ratio": [[2 * LN2, -2 * LN2, LN2], [LN2, -LN2, 9.0]], "mask": [[1, 1, 1], [1, 1, 0]]}  # 4, 1/4, 2 and 2, 1/2
witness = (
    Witness(
        Masked(low=0.3, high=3.0),
        parent=Truncated(cap=3.0, floor=0.3),
        given=_stale,
        returns=[[0.0, 0.0, 2.0], [2.0, 0.5, 1.0]],
        gradient={"log_ratio": None},
    ),
    Witness(Masked(low=0.7, high=3.0), parent=Masked(low=0.3, high=3.0), given=_stale, returns=[[0.0, 0.0, 2.0], [2.0, 0.0, 1.0]]),
    Witness(Masked(low=0.3, high=9.0), parent=Masked(low=0.3, high=3.0), given=_stale, returns=[[4.0, 0.0, 2.0], [2.0, 0.5, 1.0]]),
    Witness(  # 2 and 1
        Masked(low=0.3, high=1.5, level=Product()), parent=Masked(low=0.3, high=1.5), given=_stale, returns=[[0.0] * 3, [1.0, 1.0, 1.0]]
    ),
)
limits = (
    Limit(Masked(0.0, math.inf), equals=Truncated(cap=math.inf), when="the bounds are infinite: the full importance weight"),
    Limit(Masked(level=Product()), equals=Masked(), when="sequences have one acted step", under=one_step),
)
