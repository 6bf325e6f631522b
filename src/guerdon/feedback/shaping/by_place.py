"""By place: of the answers to a prompt the best earns one constant, the worst another, and only their order counts.

    place_b = number of different rewards in the group above reward_b;  of n different rewards:  best - (best - worst) * place_b / (n - 1)         [B]; best where n = 1

Of two answers one wins and one loses: a binary reward. Answers with the same reward have the same place, and where all have it all are best, so that nothing is learned from them.

Source: Auto-Rubric as Reward, Tian et al. 2026, arXiv 2605.08354, by its abstract and summaries, and its authors' code (OpenEnvision/AutoRubric-as-Reward, ``judger.py``,
``_rank_to_rewards``): 1 for the winner, -0.1 for the loser, evenly between for more. There ranks come from the judge, with ties as it gives them.
Differs from GroupNormalise: by how much an answer is better does not count.
"""

from dataclasses import dataclass

import torch

from guerdon.errors import InputError
from guerdon.feedback.shaping.group_normalise import GroupNormalise
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class ByPlace:
    best: float = 1.0
    worst: float = -0.1

    def __post_init__(self) -> None:
        if self.worst >= self.best:
            raise InputError(f"by_place: the best earns {self.best:g} and the worst {self.worst:g}; give the best more")

    def __call__(self, reward: B, group: Group) -> B:
        shaped = torch.full_like(reward, self.best)
        for own in group.unique():
            rows = group == own
            values, place = reward[rows].unique(return_inverse=True)  # the least first
            if len(values) > 1:
                shaped[rows] = self.worst + (self.best - self.worst) * place.to(reward.dtype) / (len(values) - 1)
        return shaped


_given = {"reward": [0.9, 0.2, 5.0, 3.0, 3.0, 1.0, 2.0, 2.0], "group": [0, 0, 1, 1, 1, 1, 2, 2]}
witness = (
    Witness(ByPlace(), parent=GroupNormalise(), given=_given, returns=[1.0, -0.1, 1.0, 0.45, 0.45, -0.1, 1.0, 1.0]),
    Witness(ByPlace(best=2.0), parent=ByPlace(), given=_given, returns=[2.0, -0.1, 2.0, 0.95, 0.95, -0.1, 2.0, 2.0]),
    Witness(ByPlace(worst=-1.0), parent=ByPlace(), given=_given, returns=[1.0, -1.0, 1.0, 0.0, 0.0, -1.0, 1.0, 1.0]),
)
