"""Length by success: each step costs the more, the more often its prompt is solved.

    reward - weight * max(rate, 1 / K) * length        rate: the share of the group's K answers with reward >= threshold        [B]

A prompt that is always solved pays the whole price of its steps, one that never is pays 1/K of it. Right and wrong answers pay alike.

Source: adaptive length penalty (ALP), Xiang et al. 2025, Just Enough Thinking, arXiv 2506.05256. ``weight``: the price of a step, its beta / N. It has no default: the paper's 1e-7
is for answers of some ten thousand tokens, and would be no price at all for short ones.
Differs from StandardisedLength: the price depends on the difficulty, and not on the group's other lengths.
"""

from dataclasses import dataclass

import torch

from guerdon.feedback.shaping.standardised_length import StandardisedLength
from guerdon.quantities import B, Group
from guerdon.steps import group_mean, group_size
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class LengthBySuccess:
    weight: float
    threshold: float = 0.5

    def __call__(self, reward: B, group: Group, length: B) -> B:
        rate = group_mean(reaches(reward, self.threshold).to(reward.dtype), group)
        return reward - self.weight * torch.maximum(rate, 1 / group_size(group).to(reward.dtype)) * length


_given = {"reward": [1.0, 1.0, 0.0, 0.0], "length": [10.0, 20.0, 10.0, 20.0], "group": [0, 0, 1, 1]}
witness = (
    Witness(LengthBySuccess(0.01), parent=StandardisedLength(), given=_given, returns=[0.9, 0.8, -0.05, -0.1]),
    Witness(LengthBySuccess(0.02), parent=LengthBySuccess(0.01), given=_given, returns=[0.8, 0.6, -0.1, -0.2]),
    Witness(LengthBySuccess(0.01, threshold=2.0), parent=LengthBySuccess(0.01), given=_given, returns=[0.95, 0.9, -0.05, -0.1]),
)
