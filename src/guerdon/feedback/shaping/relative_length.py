"""Relative length: of the answers to a prompt the shortest earn most, and a wrong one earns nothing by being short.

    place  = 1/2 - (length - shortest) / (longest - shortest)        over the group, right or wrong; 0 where all are equally long
    reward + weight * place                where reward >= threshold                                                      [B]
    reward + weight * min(place, 0)        elsewhere

Source: the length penalty of Kimi k1.5, arXiv 2501.12599, section 2.3.3, there added with a weight that is 0 at first and constant from then on (``weight`` may be a
schedule; its number is not published). ``threshold`` 0.5 separates the 0 and 1 of a verifier.
Differs from GroupNormalise: it adds to the reward, by how long the answer is.
"""

from dataclasses import dataclass

import torch

from guerdon.feedback.shaping.group_normalise import GroupNormalise
from guerdon.quantities import B, Group
from guerdon.steps import divided, group_extreme
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class RelativeLength:
    weight: float = 1.0
    threshold: float = 0.5

    def __call__(self, reward: B, group: Group, length: B) -> B:
        shortest, longest = group_extreme(length, group, "amin"), group_extreme(length, group, "amax")
        place = torch.where(longest > shortest, 0.5 - divided(length - shortest, longest - shortest), torch.zeros_like(length))
        return reward + self.weight * torch.where(reaches(reward, self.threshold), place, place.clamp(max=0.0))


_given = {"reward": [1.0, 1.0, 0.0, 0.0, 1.0, 0.0], "length": [10.0, 20.0, 10.0, 30.0, 7.0, 7.0], "group": [0, 0, 0, 0, 1, 1]}
witness = (
    Witness(RelativeLength(), parent=GroupNormalise(), given=_given, returns=[1.5, 1.0, 0.0, -0.5, 1.0, 0.0]),
    Witness(RelativeLength(weight=0.2), parent=RelativeLength(), given=_given, returns=[1.1, 1.0, 0.0, -0.1, 1.0, 0.0]),
    Witness(RelativeLength(threshold=2.0), parent=RelativeLength(), given=_given, returns=[1.0, 1.0, 0.0, -0.5, 1.0, 0.0]),
)
