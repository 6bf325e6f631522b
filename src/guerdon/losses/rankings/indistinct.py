"""Indistinct: answers to one prompt that are scored alike are to be told apart, whichever is the better.

    loss[i] = -(1 / k^2) sum over j != i of sigmoid(|score_i - score_j|)        [B], k the size of the group; over a group -(2 / k^2) sum over pairs

Nobody says which answer is better, so by itself it teaches nothing: with a step up its gradient MetaRM moves a reward model to where it
tells the answers of a new policy apart, and takes the gradient of its comparisons there.

Source: Secrets of RLHF II, arXiv 2401.06080, eq. 11, the difference loss J of MetaRM, turned.
Differs from TopOne: no order of the answers is known.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.losses.rankings.top_one import TopOne
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class Indistinct:
    per_group: ClassVar[bool] = True

    def __call__(self, score: B, group: Group) -> B:
        alike = group.unsqueeze(-1) == group
        apart = torch.sigmoid((score.unsqueeze(-1) - score).abs()) * (alike & ~torch.eye(len(group), dtype=torch.bool, device=group.device))
        return -apart.sum(-1) / alike.sum(-1) ** 2


LN3 = 1.0986122886681098
witness = Witness(  # two apart by ln 3: sigmoid 3/4, its slope 3/16, a quarter of it each, and each score moves both losses
    Indistinct(),
    parent=TopOne(),
    given={"score": [LN3, 0.0, 5.0], "reward": [0.0, 1.0, 0.0], "group": [0, 0, 1]},
    returns=[-3 / 16, -3 / 16, 0.0],
    gradient={"score": [-3 / 32, 3 / 32, 0.0]},
)
