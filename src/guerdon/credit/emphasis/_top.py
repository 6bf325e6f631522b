"""The steps of a sequence that come first by a score."""

import torch
from torch import Tensor

from guerdon.quantities import BT, Mask


def top(score: BT, mask: Mask, share: float) -> Mask:
    """[B, T], the ``share`` of each sequence's acted steps that score highest; their number is rounded down, and of equals the earlier ones are taken."""
    ranked = torch.where(mask, score.detach(), -torch.inf).sort(dim=-1, descending=True, stable=True).indices
    place = torch.empty_like(ranked).scatter_(-1, ranked, torch.arange(mask.shape[1], device=mask.device).expand_as(ranked).contiguous())
    return (place < (mask.sum(-1, keepdim=True) * share + 1e-9).long()) & mask


def drop(score: BT, mask: Mask) -> BT:
    """[B, T], |score - score of the next acted step|; 0 at the last acted step and where nobody acts."""
    following, last = [], score.new_full((len(score),), torch.nan)
    for t in reversed(range(mask.shape[1])):
        following.append(last)
        last = torch.where(mask[:, t], score[:, t].detach(), last)
    after: Tensor = torch.stack(following[::-1], 1) if following else score
    return torch.where(mask, (score.detach() - after).abs(), 0.0).nan_to_num(0.0)


def amplified(chosen: Mask, factor: float, like: BT) -> BT:
    """``factor`` where chosen, 1 elsewhere."""
    return torch.where(chosen, torch.full_like(like, factor), torch.ones_like(like))
