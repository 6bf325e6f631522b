"""Best of the group: only the answers with the highest rewards of their prompt are learned from.

    keep = the ``keep`` highest rewards of each group        [B]; of equal rewards the first counts

A sequence without a reward (NaN) is never kept. With the negative log-likelihood as the only term it is RAFT: sample, rank, imitate the best.

Source: RAFT, arXiv 2304.06767 (``keep`` 1). The ranking is all that is read, so no transformation of the reward that keeps the
order changes anything.
Differs from ZeroVariance: chooses within a group, not between groups. Over rows of data the same is ``data.curation.rejection_sampling``.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.selection.zero_variance import ZeroVariance
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class BestOfGroup:
    keep: int = 1

    def __call__(self, reward: B, group: Group) -> Tensor:
        known = ~reward.isnan()
        order = torch.where(known, reward, -torch.inf).argsort(descending=True, stable=True)
        ahead = group[order].unsqueeze(0) == group[order].unsqueeze(1)  # [B, B], members of the same group
        place = torch.empty_like(order)
        place[order] = ahead.tril(diagonal=-1).sum(-1)
        return known & (place < self.keep)


_given = {"reward": torch.tensor([1.0, 3.0, 3.0, 5.0, float("nan"), 4.0]), "group": torch.tensor([0, 0, 0, 1, 1, 1])}
witness = (
    Witness(BestOfGroup(), parent=ZeroVariance(), given=_given, returns=[0, 1, 0, 1, 0, 0]),
    Witness(BestOfGroup(keep=2), parent=BestOfGroup(), given=_given, returns=[0, 1, 1, 1, 0, 1]),
)
