"""Length-weighted: how much better than the mean of the group's answers, in which a long one counts for more.

    advantage = reward - sum of length * reward / sum of length        over the group; the same number at each acted step; [B, T], in units of reward

The baseline with the least variance weighs each reward by the squared norm of its answer's gradient. If steps' gradients are alike in size
and orthogonal, that norm grows with the number of acted steps, which is the ``length`` here. A group of one has nothing to be compared with
and says nothing: 0.

Source: OPO, arXiv 2505.23585.
Differs from GroupCentred: an answer counts by its length, and there is no scale. Like that one's, the baseline holds the answer itself, so
that the gradient shrinks.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.quantities import BT, B, Group, Mask
from guerdon.steps import divided, group_size, group_sum, spread
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class LengthWeighted:
    members: ClassVar[int] = 2

    def __call__(self, reward: B, group: Group, mask: Mask) -> BT:
        length = mask.sum(-1).to(reward.dtype)
        baseline = divided(group_sum(length * reward, group), group_sum(length, group))
        return spread(torch.where(group_size(group) < self.members, torch.zeros_like(reward), reward - baseline), mask)


witness = Witness(  # (1 * 0 + 2 * 3) / 3 is 2
    LengthWeighted(),
    parent=GroupCentred(scale=None),
    given={"reward": [0.0, 3.0, 5.0], "group": [0, 0, 1], "mask": [[1, 0], [1, 1], [1, 1]]},
    returns=[[-2.0, 0.0], [1.0, 1.0], [0.0, 0.0]],
)


def _equally_long(inputs: dict) -> dict:
    return inputs | {"mask": torch.ones_like(inputs["mask"])}


limits = (Limit(LengthWeighted(), equals=GroupCentred(scale=None), when="all answers are equally long", under=_equally_long),)
