"""Longest cosine: a bonus for right answers, the larger the shorter they are beside the longest answer to the prompt.

    reward + weight * (1 + cos(pi * length / longest)) / 2        where reward >= threshold; longest: of the group, right or wrong        [B]

The longest answer gets nothing, one of half its length half of the bonus, and the fall is steepest there. The scale is the group's own, so that it follows the policy.

Source: AdaCtrl, Huang et al. 2025, arXiv 2505.18822, its length reward, and the authors' code (``reward_manager/naive.py``, ``compute_diff_len``); ``weight`` 0.5 as
in their script. There it is for answers that call their prompt easy: ``where_tagged`` around it.
Differs from RelativeLength: right answers only, nothing for the shortest beyond what its length says, a cosine for a straight line.
"""

from dataclasses import dataclass

import torch

from guerdon.feedback.shaping.relative_length import RelativeLength
from guerdon.quantities import B, Group
from guerdon.steps import group_extreme
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class LongestCosine:
    weight: float = 0.5
    threshold: float = 0.5

    def __call__(self, reward: B, group: Group, length: B) -> B:
        longest = group_extreme(length, group, "amax").clamp(min=1)
        bonus = (1 + torch.cos(torch.pi * length / longest)) / 2
        return torch.where(reaches(reward, self.threshold), reward + self.weight * bonus, reward)


# 1/2 and 1/3 of the longest: (1 + 0) / 2 and (1 + 1/2) / 2
_given = {"reward": [1.0, 0.0, 1.0, 1.0, 1.0], "length": [6.0, 12.0, 9.0, 3.0, 9.0], "group": [0, 0, 1, 1, 1]}
witness = (
    Witness(LongestCosine(), parent=RelativeLength(), given=_given, returns=[1.25, 0.0, 1.0, 1.375, 1.0]),
    Witness(LongestCosine(weight=1.0), parent=LongestCosine(), given=_given, returns=[1.5, 0.0, 1.0, 1.75, 1.0]),
    Witness(LongestCosine(threshold=0.0), parent=LongestCosine(threshold=2.0), given=_given, returns=[1.25, 0.0, 1.0, 1.375, 1.0]),
)
