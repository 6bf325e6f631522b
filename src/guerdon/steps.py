"""Arithmetic on [B, T] tensors under a mask that several rooms share. Garbage where the mask is false has no effect."""

from collections.abc import Sequence

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
    last = torch.where(mask, steps, -1).amax(-1, keepdim=True) if mask.shape[1] else steps.new_zeros(len(mask), 1)
    return torch.where(steps == last, x.unsqueeze(-1), torch.zeros((), dtype=x.dtype, device=x.device))


def along_steps(columns: Sequence[B], mask: Mask) -> BT:
    """A column for each step as one tensor; of no steps, an empty one."""
    return torch.stack(list(columns), 1) if columns else torch.zeros(mask.shape, device=mask.device)


def root(x: Tensor) -> Tensor:
    """The square root, whose gradient at 0 is 0 and not infinite."""
    return torch.where(x > 0, torch.where(x > 0, x, torch.ones_like(x)).sqrt(), torch.zeros_like(x))


def divided(x: Tensor, by: Tensor) -> Tensor:
    """``x / by``, and 0 where ``by`` is 0."""
    return torch.where(by > 0, x / torch.where(by > 0, by, torch.ones_like(by)), torch.zeros_like(x))


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


def group_extreme(x: B, group: Group, how: str) -> B:
    """For each sequence, the least (``amin``) or the largest (``amax``) of ``x`` over its group."""
    members, inverse = torch.unique(group, return_inverse=True)
    return x.new_zeros(len(members)).scatter_reduce(0, inverse, x, how, include_self=False)[inverse]
