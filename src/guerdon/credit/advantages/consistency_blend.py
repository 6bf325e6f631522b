"""Consistency blend: within its group by what an answer is better, and between groups by how right, and how much at one, the answers to a prompt are.

    H      = entropy of the answers of the group, in bits: how often each was given
    g      = mean reward of the group * (1 - (1 - 1/n) / log2(n) * H)                        n: answers of the group
    across = (g - mean of g over prompts) / (deviation of g over prompts + epsilon)          the same for all answers to a prompt
    within = (reward - mean of the group) / (deviation of the group + epsilon)
    w      = sigmoid(slope * (H - centre)), and 0 where the rewards of the group are all equal
    advantage = w * within + (1 - w) * across        the same number at each acted step; [B, T], without unit

A group whose rewards are all equal says nothing within itself. Here all its answers are raised or lowered together, by how the prompt stands among those of the batch.

``category`` says which answers are the same; where nobody does, those with the same reward are. ``slope`` 1, ``centre`` 0.5, ``epsilon`` 1e-6 and the deviations by n - 1: the
authors' code.

Source: COPO, arXiv 2508.04138, and its authors' code (hijih/copo-code, ``verl/trainer/ppo/core_algos.py``, "soft with forced"). There the loss of either advantage is clipped by
itself and the two are blended: the same as long as no ratio is beyond its bound.
Differs from GroupCentred: groups whose rewards are all equal are learned from, and a group depends on the others of its batch.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.quantities import BT, B, Group, Mask
from guerdon.steps import divided, group_mean, group_size, root, spread
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class ConsistencyBlend:
    members: ClassVar[int] = 2
    per_batch: ClassVar[bool] = True

    slope: float = 1.0
    centre: float = 0.5
    epsilon: float = 1e-6

    def __call__(self, reward: B, group: Group, mask: Mask, category: Group | None = None) -> BT:
        answer = torch.unique(reward, return_inverse=True)[1] if category is None else torch.unique(category, return_inverse=True)[1]
        same = (answer.unsqueeze(-1) == answer) & (group.unsqueeze(-1) == group)
        size = group_size(group).to(reward)
        entropy = group_mean(-(same.sum(-1) / size).log2(), group)
        together = 1 - divided(1 - 1 / size, size.log2()) * entropy
        scale = GroupDeviation(self.epsilon)(reward, group)
        within = divided(reward - group_mean(reward, group), scale)
        weight = torch.where(scale > 0, torch.sigmoid(self.slope * (entropy - self.centre)), torch.zeros_like(scale))
        across = self._across(group_mean(reward, group) * together, group)
        return spread(weight * within + (1 - weight) * across, mask)

    def _across(self, of_group: B, group: Group) -> B:
        """The number of each group, with mean 0 and deviation 1 over groups; 0 where they are all alike."""
        prompts, inverse = torch.unique(group, return_inverse=True)
        each = of_group.new_zeros(len(prompts)).scatter(0, inverse, of_group)
        centred = each - each.mean()
        deviation = root(centred.square().sum() / max(len(each) - 1, 1))
        deviation = torch.where(deviation > 1e-6 * each.abs().mean(), deviation + self.epsilon, torch.zeros_like(deviation))
        return divided(centred, deviation.expand_as(centred))[inverse]


# Two and two of four, 1 bit: g = 1/2 (1 - 3/8) = 5/16; all alike: g = 1. Within: +-sqrt(3)/2; across: -+1/sqrt(2); w = sigmoid(1/2) and 0.
_given = {"reward": [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0], "group": [0, 0, 0, 0, 1, 1, 1, 1], "mask": [[1]] * 8}
_W, _IN, _BY = 0.6224593312018546, 0.75**0.5, 0.5**0.5
_V = 0.5  # of a slope of 0
_U = 0.7310585786300049  # sigmoid(1)
witness = (
    Witness(
        ConsistencyBlend(epsilon=0.0),
        parent=GroupCentred(GroupDeviation(epsilon=0.0)),
        given=_given,
        returns=[[_W * _IN - (1 - _W) * _BY]] * 2 + [[-_W * _IN - (1 - _W) * _BY]] * 2 + [[_BY]] * 4,
    ),
    Witness(
        ConsistencyBlend(slope=0.0, epsilon=0.0),
        parent=ConsistencyBlend(epsilon=0.0),
        given=_given,
        returns=[[_V * _IN - _V * _BY]] * 2 + [[-_V * _IN - _V * _BY]] * 2 + [[_BY]] * 4,
    ),
    Witness(
        ConsistencyBlend(centre=0.0, epsilon=0.0),
        parent=ConsistencyBlend(epsilon=0.0),
        given=_given,
        returns=[[_U * _IN - (1 - _U) * _BY]] * 2 + [[-_U * _IN - (1 - _U) * _BY]] * 2 + [[_BY]] * 4,
    ),
    Witness(  # deviations of sqrt(1/3) and of 11/16 / sqrt(2), each 1 more
        ConsistencyBlend(slope=0.0, epsilon=1.0),
        parent=ConsistencyBlend(slope=0.0, epsilon=0.0),
        given=_given,
        returns=[[0.25 / (1 + 3**-0.5) - 0.5 * 0.34375 / (1 + 0.6875 * _BY)]] * 2
        + [[-0.25 / (1 + 3**-0.5) - 0.5 * 0.34375 / (1 + 0.6875 * _BY)]] * 2
        + [[0.34375 / (1 + 0.6875 * _BY)]] * 4,
    ),
)


def _one_prompt(inputs: dict) -> dict:
    return inputs | {"group": torch.zeros_like(inputs["group"])}


limits = (
    Limit(
        ConsistencyBlend(slope=0.0, centre=-1e9, epsilon=0.0),
        equals=ConsistencyBlend(slope=0.0, epsilon=0.0),
        when="the slope is 0: the centre is of no account",
    ),
    Limit(
        ConsistencyBlend(centre=-1e9, epsilon=1e-4),
        equals=GroupCentred(),
        when="there is one prompt, and the centre far below every entropy",
        under=_one_prompt,
    ),
)
