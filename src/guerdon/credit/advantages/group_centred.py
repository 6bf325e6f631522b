"""Group-centred: how much better than the other answers to the same prompt.

    advantage = (reward - mean of the group) / scale        the same number at each acted step; [B, T]

``scale`` is a choice of its own (``credit.scales``): the deviation of the group gives GRPO, that of the batch Lite-PPO, the density of
a Beta BNPO, and ``None`` Dr. GRPO.

Source: GRPO, DeepSeekMath, arXiv 2402.03300, section 4.1.2; without a scale: Dr. GRPO, arXiv 2503.20783, section 3.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.credit.scales import Scale
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.quantities import BT, B, Group, Mask
from guerdon.steps import divided, group_mean, spread
from guerdon.witness import Witness


@dataclass(frozen=True)
class GroupCentred:
    members: ClassVar[int] = 2

    scale: Scale | None = GroupDeviation()

    def __call__(self, reward: B, group: Group, mask: Mask) -> BT:
        centred = reward - group_mean(reward, group)
        if self.scale is not None:
            centred = divided(centred, self.scale(reward, group))
        return spread(centred, mask)


_two_groups = {"reward": [0.0, 2.0, 5.0, 5.0], "group": [0, 0, 1, 1], "mask": [[1, 1], [1, 0], [1, 1], [1, 1]]}
witness = (
    Witness(GroupCentred(scale=None), given=_two_groups, returns=[[-1.0, -1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]),
    Witness(
        GroupCentred(GroupDeviation(epsilon=0.0)),
        parent=GroupCentred(scale=None),
        given=_two_groups,
        returns=[[-(0.5**0.5), -(0.5**0.5)], [0.5**0.5, 0.0], [0.0, 0.0], [0.0, 0.0]],
    ),
)
