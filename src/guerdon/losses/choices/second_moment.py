"""Second moment: as few of the batch's steps that have gone furthest as have to be left out, so that the others have not gone further than a budget
in the mean of squares.

    of the acted steps that have moved in the direction of their advantage (``either``: of all), moved = logp - old_logp:
    bound  = the largest at which the mean of moved^2 is within the budget, of those with |moved| <= bound,
             or, ``capped``, of all with |moved| cut to the bound
    chosen = |moved| > bound, and a ratio e^moved outside of [spared_low, spared_high]        [B, T]

A clip has one bound for every batch: with rollouts of a policy that is far behind it silences what there is most to learn from. This one leaves out
outliers only, however far the batch as a whole has moved, and nothing at all within the budget. Of steps that have moved equally far all are
chosen or none. The second moment of the log-ratio bounds both directions, where a mean of log-ratios lets one pay for the other.

Source: M2PO, Zheng et al. 2025, arXiv 2510.01161 (the paper's tables were not read): its authors' code takes the budget 0.04, looks at what has moved
with its advantage, cuts to the bound (``capped``) and never leaves out a ratio between 0.7 and 1.5. AReaL's ``m2_threshold`` looks at all
steps and at the mean of what is left (``either``; its ratio is that of the policy that the step starts from to the one that acted: ``view: proximal`` of
``where``; it keeps one step even where that has gone too far by itself).
Differs from LogRatioBeyond: the bound is the batch's.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.choices.log_ratio_beyond import LogRatioBeyond
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class SecondMoment:
    per_batch: ClassVar[bool] = True

    budget: float = 0.04
    capped: bool = False
    either: bool = False
    spared_low: float = 1.0
    spared_high: float = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.budget, (int, float)) and self.budget < 0:
            raise InputError(f"second_moment: budget is {self.budget}, and is a mean of squares, in square nats; give 0 or more")
        if not 0 < self.spared_low <= 1 <= self.spared_high:
            raise InputError(
                f"second_moment: spared_low and spared_high are {self.spared_low} and {self.spared_high}, and are ratios on either side of 1; "
                "give a lower one above 0, up to 1, and a higher one of 1 or more"
            )

    def settled(self, logp: BT, old_logp: BT, advantage: BT, mask: Mask) -> LogRatioBeyond:
        moved = (logp.detach() - old_logp.detach())[mask]
        seen = moved if self.either else moved[moved * advantage.detach()[mask] > 0]
        bound = _bound(seen.abs(), self.budget, self.capped)
        return LogRatioBeyond(max(bound, -math.log(self.spared_low)), max(bound, math.log(self.spared_high)), self.either)

    def __call__(self, logp: BT, old_logp: BT, advantage: BT, mask: Mask) -> Mask:
        return self.settled(logp, old_logp, advantage, mask)(logp, old_logp, advantage) & mask


def _bound(moved: Tensor, budget: float, capped: bool) -> float:
    """Half way between the furthest step that is kept and the nearest that is not, where no rounding moves a step over it."""
    far, count = torch.unique(moved.double(), return_counts=True)
    within, square = count.cumsum(0), far.square()
    total = (square * count).cumsum(0)
    mean = (total + square * (len(moved) - within)) / max(len(moved), 1) if capped else total / within
    kept = int((mean <= budget).sum())  # the means grow with the bound
    if kept == len(far):
        return math.inf
    return float(far[kept] / 2 if kept == 0 else (far[kept - 1] + far[kept]) / 2)


_steps = {  # with their advantage have gone 1/2, 1 and 3/2; 2 was not acted, and 5/2 has gone the other way
    "logp": [[-1.0, -2.0, -1.0], [-3.0, -1.0, -4.0]],
    "old_logp": [[-1.5, -1.0, -3.0], [-3.0, -2.5, -1.5]],
    "advantage": [[1.0, -1.0, 1.0], [0.0, 1.0, 1.0]],
    "mask": [[1, 1, 0], [1, 1, 1]],
}
_directed = SecondMoment(0.64)
witness = (  # in quarters: means 1, 5/2 and 14/3
    Witness(_directed, parent=LogRatioBeyond(0.1, 0.1), given=_steps, returns=[[0, 0, 0], [0, 1, 0]]),
    Witness(SecondMoment(0.4), parent=_directed, given=_steps, returns=[[0, 1, 0], [0, 1, 0]]),
    Witness(SecondMoment(0.64, capped=True), parent=_directed, given=_steps, returns=[[0, 1, 0], [0, 1, 0]]),  # 1, 3 and 14/3
    Witness(SecondMoment(0.43, either=True), parent=SecondMoment(0.43), given=_steps, returns=[[0, 0, 0], [0, 1, 1]]),  # 0, 1/2, 5/3, 7/2
    Witness(SecondMoment(0.4, spared_low=0.3), parent=SecondMoment(0.4), given=_steps, returns=[[0, 0, 0], [0, 1, 0]]),
    Witness(SecondMoment(0.4, spared_high=5.0), parent=SecondMoment(0.4), given=_steps, returns=[[0, 1, 0], [0, 0, 0]]),
)
limits = (
    Limit(SecondMoment(1e9), equals=LogRatioBeyond(math.inf, math.inf), when="the budget is never spent"),
    Limit(SecondMoment(0.0), equals=LogRatioBeyond(0.0, 0.0), when="there is none: whatever has moved with its advantage"),
)
