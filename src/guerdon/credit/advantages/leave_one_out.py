"""Leave-one-out: how much better than the mean of the other answers to the same prompt.

    advantage = (reward - mean reward of the group's other members) / scale        the same number at each acted step; [B, T], in units of reward

The baseline does not depend on the answer that it is subtracted from, so the policy gradient stays unbiased. A group of one has no others
and says nothing: 0. ``scale`` is a choice of its own (``credit.scales``), none by default; ``OthersDeviation`` leaves the answer out as
well, and is with it what NeMo-RL calls GRPO.

Source: Kool et al. 2019, Buy 4 REINFORCE samples, get a baseline for free!; RLOO, arXiv 2402.14740.
Differs from GroupCentred: n / (n - 1) times as large.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales import Scale
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.quantities import BT, B, Group, Mask
from guerdon.steps import divided, group_mean, group_size, spread
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class LeaveOneOut:
    members: ClassVar[int] = 2

    scale: Scale | None = None

    def __call__(self, reward: B, group: Group, mask: Mask) -> BT:
        n = group_size(group)
        centred = (reward - group_mean(reward, group)) * n / (n - 1).clamp(min=1)
        return spread(centred if self.scale is None else divided(centred, self.scale(reward, group)), mask)


_two_groups = {"reward": [0.0, 3.0, 6.0, 5.0], "group": [0, 0, 0, 1], "mask": [[1, 1], [1, 0], [1, 1], [1, 1]]}
witness = (
    Witness(
        LeaveOneOut(),
        parent=GroupCentred(scale=None),
        given=_two_groups,
        returns=[[-4.5, -4.5], [0.0, 0.0], [4.5, 4.5], [0.0, 0.0]],
    ),
    Witness(  # the deviation is 3
        LeaveOneOut(GroupDeviation(epsilon=0.0)),
        parent=LeaveOneOut(),
        given=_two_groups,
        returns=[[-1.5, -1.5], [0.0, 0.0], [1.5, 1.5], [0.0, 0.0]],
    ),
)

limits = (
    Limit(LeaveOneOut(), equals=GroupCentred(scale=None), when="groups have n = 2: times n / (n - 1)", factor=2.0),
    Limit(LeaveOneOut(GroupDeviation()), equals=GroupCentred(), when="groups have n = 2: times n / (n - 1)", factor=2.0),
)
