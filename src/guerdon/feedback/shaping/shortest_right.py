"""Shortest right: the length that is aimed at is that of the shortest right answer to the prompt.

    aim    = the least length of the group's answers with reward >= threshold; the mean length of all where none is right
    scale * reward - weight * |length - aim|        [B]

It moves with the policy: every shorter answer that is still right lowers it.

Source: ShorterBetter, Yi et al. 2025, arXiv 2504.21370: the sample optimal length,
``scale`` 2 (its alpha, for which 1 is tried too) and ``weight`` 0.001 (its beta, for lengths of some thousand tokens).
Differs from LengthBonus: the aim is found in the group, and being shorter than it (wrong) costs as much as being longer.
"""

from dataclasses import dataclass

import torch

from guerdon.feedback.shaping.length_bonus import LengthBonus
from guerdon.quantities import B, Group
from guerdon.steps import group_extreme, group_mean
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class ShortestRight:
    scale: float = 2.0
    weight: float = 0.001
    threshold: float = 0.5

    def __call__(self, reward: B, group: Group, length: B) -> B:
        right = reaches(reward, self.threshold)
        least = group_extreme(torch.where(right, length, torch.inf), group, "amin")
        aim = torch.where(least.isfinite(), least, group_mean(length, group))
        return self.scale * reward - self.weight * (length - aim).abs()


_given = {"reward": [1.0, 1.0, 0.0, 0.0, 0.0], "length": [300.0, 200.0, 100.0, 100.0, 200.0], "group": [0, 0, 0, 1, 1]}
witness = (
    Witness(ShortestRight(), parent=LengthBonus(target=200), given=_given, returns=[1.9, 2.0, -0.1, -0.05, -0.05]),
    Witness(ShortestRight(scale=1.0), parent=ShortestRight(), given=_given, returns=[0.9, 1.0, -0.1, -0.05, -0.05]),
    Witness(ShortestRight(weight=0.01), parent=ShortestRight(), given=_given, returns=[1.0, 2.0, -1.0, -0.5, -0.5]),
    Witness(ShortestRight(threshold=0.0), parent=ShortestRight(), given=_given, returns=[1.8, 1.9, 0.0, 0.0, -0.1]),
)
