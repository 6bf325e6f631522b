"""Arithmetic on [B, T] tensors under a mask that several rooms share. Garbage where the mask is false has no effect."""

import torch
from torch import Tensor

from guerdon.quantities import BT, B, Group, Mask


def clean(x: BT, mask: Mask) -> BT:
    """``x`` where ``mask`` is true, exactly 0 elsewhere, even where ``x`` is NaN."""
    return torch.where(mask, x, torch.zeros((), dtype=x.dtype, device=x.device))


def total(x: BT, mask: Mask) -> B:
    """Sum over the acted steps of each sequence."""
    return clean(x, mask).sum(-1)


def average(x: BT, mask: Mask) -> B:
    """Mean over the acted steps of each sequence; 0 for a sequence without any."""
    return total(x, mask) / mask.sum(-1).clamp(min=1)


def spread(x: B, mask: Mask) -> BT:
    """The sequence's number at each of its acted steps, 0 elsewhere."""
    return clean(x.unsqueeze(-1).expand(mask.shape), mask)


def on_last(x: B, mask: Mask) -> BT:
    """The sequence's number at its last acted step, 0 elsewhere: an outcome as a dense reward."""
    steps = torch.arange(mask.shape[1], device=mask.device)
    last = torch.where(mask, steps, -1).amax(-1, keepdim=True)
    return torch.where(steps == last, x.unsqueeze(-1), torch.zeros((), dtype=x.dtype, device=x.device))


def group_sum(x: B, group: Group) -> B:
    """For each sequence, the sum of ``x`` over its group."""
    members, inverse = torch.unique(group, return_inverse=True)
    sums = torch.zeros(len(members), dtype=x.dtype, device=x.device).index_add(0, inverse, x)
    return sums[inverse]


def group_size(group: Group) -> Tensor:
    """For each sequence, the number of sequences in its group."""
    _, inverse, count = torch.unique(group, return_inverse=True, return_counts=True)
    return count[inverse]


def group_mean(x: B, group: Group) -> B:
    """For each sequence, the mean of ``x`` over its group."""
    return group_sum(x, group) / group_size(group)
