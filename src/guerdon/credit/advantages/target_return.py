"""Target return: towards a policy that earns so much, no more and no less.

    advantage_i = 2 * (target - mean reward of the others) * (reward_i - mean reward of the others)        over the group; the same number at each acted step; [B, T], in units of
                                                                                                           reward squared

The gradient of -(J - target)^2 is 2 (target - J) times that of J; with an estimate of J that does not hold the answer that is judged, and
the same as its baseline. Above the target worse answers are praised. A group of one says nothing: 0.

Source: COUNTERPOL, arXiv 2307.13192: minimise (J(pi) - R_target)^2 and k KL(pi || pi_0) by REINFORCE. That both estimates are means of the
others is ours: with the group's mean in both, the gradient's expectation would not be that of the square.
Differs from LeaveOneOut: scaled by how far the group is from the target, with its sign.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.quantities import BT, B, Group, Mask
from guerdon.steps import group_size, group_sum, spread
from guerdon.witness import Witness


@dataclass(frozen=True)
class TargetReturn:
    members: ClassVar[int] = 2

    target: float

    def __call__(self, reward: B, group: Group, mask: Mask) -> BT:
        n = group_size(group)
        others = (group_sum(reward, group) - reward) / (n - 1).clamp(min=1)
        return spread((n > 1) * 2 * (self.target - others) * (reward - others), mask)


_pair = {"reward": [0.0, 3.0, 9.0], "group": [0, 0, 1], "mask": [[1, 1], [1, 0], [1, 1]]}
witness = (
    Witness(  # the others' means are 3 and 0: 2 * (2 - 3) * -3 and 2 * 2 * 3
        TargetReturn(target=2.0), parent=LeaveOneOut(), given=_pair, returns=[[6.0, 6.0], [12.0, 0.0], [0.0, 0.0]]
    ),
    Witness(TargetReturn(target=0.0), parent=TargetReturn(target=2.0), given=_pair, returns=[[18.0, 18.0], [0.0, 0.0], [0.0, 0.0]]),
)
