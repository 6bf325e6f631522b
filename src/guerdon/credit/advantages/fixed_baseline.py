"""Fixed baseline: how much better than a number that is known.

    advantage = reward - at        the same number at each acted step; [B, T], in units of reward

A constant costs no bias and no part of what it is taken from: a penalty in the reward keeps its full weight beside it. Of a comparison that is symmetric 1/2
is the mean over both sides, which is why a share of wins needs no estimated baseline. The mean of a group, or of its other members, would: each of their shares
holds the answer itself, so that in a group of n the wins count n / (n - 1) and a penalty beside them 1.

Source: the reward P - 1/2 of Nash-MD's policy gradient, arXiv 2312.00886, section 7. ``at`` 1/2: a share of wins.
Differs from LeaveOneOut: nothing is estimated, so a group of one says something; the variance is larger where rewards lie far from it.
"""

from dataclasses import dataclass

from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.quantities import BT, B, Mask
from guerdon.steps import spread
from guerdon.witness import Witness


@dataclass(frozen=True)
class FixedBaseline:
    at: float = 0.5

    def __call__(self, reward: B, mask: Mask) -> BT:
        return spread(reward - self.at, mask)


_shares = {"reward": [0.75, 0.25], "group": [0, 0], "mask": [[1, 1], [1, 0]]}
witness = (
    Witness(FixedBaseline(), parent=LeaveOneOut(), given=_shares, returns=[[0.25, 0.25], [-0.25, 0.0]]),
    Witness(FixedBaseline(at=0.0), parent=FixedBaseline(), given=_shares, returns=[[0.75, 0.75], [0.25, 0.0]]),
)
