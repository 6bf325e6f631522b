"""Tries and trees of a group: which sequences begin alike, and what those are worth that do."""

import torch
from torch import Tensor

from guerdon.quantities import BT, B, Group, Mask, Segment


def beginnings(action: Segment, group: Group, mask: Mask) -> Tensor:
    """[B, T + 1], a number for what stood before each step, and after the last one: the same for sequences of a group that were alike so far.

    What was not acted but lies between acted steps (tool output) is part of it; what follows a sequence's last acted step is not, and is its own.
    """
    rows, steps = mask.shape
    node = torch.unique(group, return_inverse=True)[1]
    left = mask.long().flip(-1).cumsum(-1).flip(-1) > 0  # whether this step or a later one was acted
    out = [node]
    for t in range(steps):
        alone = torch.where(left[:, t], -1, torch.arange(rows, device=mask.device))
        said = torch.where(left[:, t], action[:, t], 0)
        node = torch.unique(torch.stack([node, said, alone], -1), dim=0, return_inverse=True)[1]
        out.append(node)
    return torch.stack(out, 1)


def mean_of_each(x: B, node: Tensor, weight: B | None = None) -> BT:
    """[B, K], at each place the mean of ``x`` over the sequences that have the same number there; ``weight``: of each sequence."""
    weight = torch.ones_like(x) if weight is None else weight
    return torch.stack([_mean(x, place, weight) for place in node.unbind(1)], 1) if node.shape[1] else x.new_zeros(node.shape)


def count_of_each(node: Tensor) -> Tensor:
    """[B, K], how many sequences have the same number there."""
    return torch.stack([_count(place) for place in node.unbind(1)], 1) if node.shape[1] else node.clone()


def pieces_of(node: Segment, group: Group, mask: Mask) -> Tensor:
    """[B, T], the sampler's pieces numbered over all groups; a number of its own where nothing was acted."""
    rows, steps = mask.shape
    own = torch.arange(rows * steps, device=mask.device).view(rows, steps)
    key = torch.stack([torch.where(mask, 0, 1 + own), group.unsqueeze(-1).expand(rows, steps), torch.where(mask, node, 0)], -1)
    return torch.unique(key.view(-1, 3), dim=0, return_inverse=True)[1].view(rows, steps)


def _mean(x: B, node: Tensor, weight: B) -> B:
    inverse = torch.unique(node, return_inverse=True)[1]
    sums = torch.zeros_like(x).index_add(0, inverse, x * weight)
    return (sums / torch.zeros_like(x).index_add(0, inverse, weight).clamp(min=torch.finfo(x.dtype).tiny))[inverse]


def _count(node: Tensor) -> Tensor:
    _, inverse, count = torch.unique(node, return_inverse=True, return_counts=True)
    return count[inverse]
