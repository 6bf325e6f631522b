"""From where segments begin to which segment each step belongs to."""

import torch
from torch import Tensor

from guerdon.quantities import Mask, Segment


def numbered(starts: Mask, mask: Mask) -> Segment:
    """[B, T], how many segments have begun since the first acted step, with which the segment 0 begins in any case."""
    return (starts & mask & before(mask).bool()).long().cumsum(-1)


def before(mask: Mask) -> Tensor:
    """[B, T], how many acted steps came before."""
    return mask.long().cumsum(-1) - mask.long()


def last_acted(x: Tensor, mask: Mask) -> Tensor:
    """[B, T], what ``x`` was at the acted step before; at the first one what it is there."""
    steps = torch.arange(mask.shape[1], device=mask.device)
    latest = torch.where(mask, steps, -1).cummax(-1).values
    previous = torch.cat([torch.full_like(latest[:, :1], -1), latest[:, :-1]], -1)
    return torch.where(previous >= 0, x.gather(-1, previous.clamp(min=0)), x)
