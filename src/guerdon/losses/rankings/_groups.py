"""Groups of candidates one by one, each from the best to the worst."""

from collections.abc import Callable

import torch
from torch import Tensor

from guerdon.quantities import B, Group


def group_by_group(loss: Callable[[Tensor, Tensor], Tensor], score: B, reward: B, group: Group) -> B:
    """``loss`` of the scores and rewards of each group, in descending order of the reward (of equal ones the first comes first), at the candidates' places."""
    out = torch.zeros_like(score)
    for members in torch.unique(group):
        rows = (group == members).nonzero().squeeze(-1)
        ranked = rows[torch.argsort(reward[rows], descending=True, stable=True)]
        out = out.index_copy(0, ranked, loss(score[ranked], reward[ranked]))
    return out
