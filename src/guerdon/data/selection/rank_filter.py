"""Rank filter: of each group its best answers are learned from, its worst, and some of those between.

    keep = place < best,  or place >= size - worst,  or among the first ``others`` of the rest, in the order in which they were drawn        [B]

``place`` counts from 0, the best, by reward; of equal rewards the first counts as better. A reward model is right about what it finds very good or very bad more often than
about what lies between, so the rest is noise. Answers of a group are drawn alike, so that the first of the rest are a random choice of it. A sequence without a reward (NaN) is
never kept.

In ``recipe.learned`` credit is given by the whole group, in ``recipe.selection`` by what is kept.

Source: PF-PPO, Shen and Zhang 2024, arXiv 2409.06957, and its authors' code (PF-PPO-RLHF, ``replay_buffer.py`` and ``ppo_trainer.py``): best and worst (BW, the default), best
and one at random (BR: ``best`` 1, ``others`` 1, ``worst`` 0; their reweighting draws the best with 0.4 and each other with 0.1), the best alone (BoN). Differs from
BestOfGroup: the worst, and some of the others, stay.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.selection.best_of_group import BestOfGroup
from guerdon.errors import InputError
from guerdon.quantities import B, Group
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class RankFilter:
    best: int = 1
    worst: int = 1
    others: int = 0

    def __post_init__(self) -> None:
        if min(self.best, self.worst, self.others) < 0 or self.best + self.worst + self.others == 0:
            raise InputError(
                f"a rank filter keeps {self.best} of the best, {self.worst} of the worst and {self.others} others: none below 0, and one at least"
            )

    def __call__(self, reward: B, group: Group) -> Tensor:
        known = ~reward.isnan()
        same = (group.unsqueeze(0) == group.unsqueeze(1)) & known.unsqueeze(0)  # [B, B], known members of the row's group
        earlier = torch.arange(len(reward), device=reward.device).unsqueeze(0) < torch.arange(len(reward), device=reward.device).unsqueeze(
            1
        )
        ahead = (reward.unsqueeze(0) > reward.unsqueeze(1)) | ((reward.unsqueeze(0) == reward.unsqueeze(1)) & earlier)
        place, size = (same & ahead).sum(1), same.sum(1)
        extreme = known & ((place < self.best) | (place >= size - self.worst))
        before = (same & earlier & ~extreme.unsqueeze(0)).sum(1)
        return extreme | (known & (before < self.others))


_given = {"reward": torch.tensor([2.0, 3.0, 1.0, 2.5, 5.0, float("nan"), 4.0]), "group": torch.tensor([0, 0, 0, 0, 1, 1, 1])}
witness = (
    Witness(RankFilter(), parent=BestOfGroup(), given=_given, returns=[0, 1, 1, 0, 1, 0, 1]),
    Witness(RankFilter(worst=0, others=1), parent=RankFilter(), given=_given, returns=[1, 1, 0, 0, 1, 0, 1]),
    Witness(RankFilter(best=2, worst=0), parent=RankFilter(), given=_given, returns=[0, 1, 0, 1, 1, 0, 1]),
)
limits = (Limit(RankFilter(best=1, worst=0), equals=BestOfGroup(), when="no worst are kept and no others"),)
