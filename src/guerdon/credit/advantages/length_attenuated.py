"""Length-attenuated: another advantage, made smaller for prompts on which thinking longer did not pay.

    advantage of a group * 1            where its longest right answer is longer than the mean of its wrong ones, or none is wrong
                         * ``weight``   elsewhere        [B, T]

Right is a reward above ``threshold``. Wrong answers that were cut off say nothing of how long they would have been and are not counted
(``terminated``). So that answers that reached their goal by thinking on are what is mostly learned from, and lengths grow.

Source: ADORA, arXiv 2602.10019, the length advantage of its language-model experiments; ``weight`` 0.1, the test and what is left out of
it: the authors' code (``compute_grpo_outcome_advantage_ADORA``), where an answer counts as cut off from a length on.
Differs from what it wraps: a prompt on which short answers are right counts a tenth.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, B, Group, Mask
from guerdon.steps import group_sum
from guerdon.thresholds import exceeds
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class LengthAttenuated:
    advantage: Advantage = GroupCentred()
    weight: float = 0.1
    threshold: float = 0.5

    def needs(self) -> frozenset[str]:
        return needs(self.advantage) | {"reward", "terminated", "group", "mask"}

    def wants(self) -> frozenset[str]:
        return wants(self.advantage)

    def __call__(self, reward: B, terminated: B, group: Group, mask: Mask, **quantities: Tensor) -> BT:
        given = {**quantities, "reward": reward, "terminated": terminated, "group": group, "mask": mask}
        length, right = mask.sum(-1).to(reward.dtype), exceeds(reward, self.threshold)
        wrong = (~right & terminated.bool()).to(reward.dtype)
        count = group_sum(wrong, group)
        mean = group_sum(wrong * length, group) / count.clamp(min=1)
        members, place = torch.unique(group, return_inverse=True)
        longest = torch.zeros(len(members), dtype=reward.dtype, device=reward.device)
        longest = longest.scatter_reduce(0, place, torch.where(right, length, 0.0), "amax")[place]
        pays = (longest > 0) & ((count == 0) | (longest > mean))
        weight = torch.where(pays, 1.0, self.weight).to(reward)
        return weight.unsqueeze(-1) * call(self.advantage, given)


_two = {  # right answers of three steps and of one, beside a wrong one of two
    "reward": [1.0, 0.0, 1.0, 0.0],
    "terminated": [1.0, 1.0, 1.0, 1.0],
    "group": [0, 0, 1, 1],
    "mask": [[1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 1, 0]],
}
_plain = GroupCentred(scale=None)
witness = (
    Witness(
        LengthAttenuated(_plain),
        parent=_plain,
        given=_two,
        returns=[[0.5, 0.5, 0.5], [-0.5, -0.5, 0.0], [0.05, 0.0, 0.0], [-0.05, -0.05, 0.0]],
    ),
    Witness(  # the second was cut off
        LengthAttenuated(_plain, weight=0.0),
        parent=LengthAttenuated(_plain),
        given=_two | {"terminated": [1.0, 0.0, 1.0, 1.0]},
        returns=[[0.5, 0.5, 0.5], [-0.5, -0.5, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
    ),
    Witness(  # none is right, so none is long
        LengthAttenuated(_plain, threshold=2.0),
        parent=LengthAttenuated(_plain),
        given=_two,
        returns=[[0.05, 0.05, 0.05], [-0.05, -0.05, 0.0], [0.05, 0.0, 0.0], [-0.05, -0.05, 0.0]],
    ),
)
limits = (Limit(LengthAttenuated(weight=1.0), equals=GroupCentred(), when="the weight is 1"),)
