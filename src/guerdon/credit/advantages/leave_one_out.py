"""Leave-one-out: how much better than the mean of the other answers to the same prompt.

    advantage = reward - mean reward of the group's other members        the same number at each acted step; [B, T], in units of reward

The baseline does not depend on the answer that it is subtracted from, so the policy gradient stays unbiased. A group of one has no
others and says nothing: 0.

Source: Kool et al. 2019, Buy 4 REINFORCE samples, get a baseline for free!; RLOO, arXiv 2402.14740.
Differs from GroupCentred: n / (n - 1) times as large, and without a scale.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.quantities import BT, B, Group, Mask
from guerdon.steps import group_mean, group_size, spread
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class LeaveOneOut:
    members: ClassVar[int] = 2

    def __call__(self, reward: B, group: Group, mask: Mask) -> BT:
        n = group_size(group)
        return spread((reward - group_mean(reward, group)) * n / (n - 1).clamp(min=1), mask)


witness = Witness(
    LeaveOneOut(),
    parent=GroupCentred(scale=None),
    given={"reward": [0.0, 3.0, 6.0, 5.0], "group": [0, 0, 0, 1], "mask": [[1, 1], [1, 0], [1, 1], [1, 1]]},
    returns=[[-4.5, -4.5], [0.0, 0.0], [4.5, 4.5], [0.0, 0.0]],
)

limits = (Limit(LeaveOneOut(), equals=GroupCentred(scale=None), when="groups have n = 2: times n / (n - 1)", factor=2.0),)
