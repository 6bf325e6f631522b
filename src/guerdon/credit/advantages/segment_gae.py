"""Segment GAE: GAE in which a whole segment is one action.

    R_k = sum of step_reward over the acted steps of segment k;   V_k = mean of old_value over them, or at the first one
    delta_k     = R_k + gamma * V_(k+1) - V_k
    advantage_t = delta_k + gamma * lam * advantage_(k+1)        the same number at each acted step of a segment; [B, T], in units of reward

Only segments are time: ``gamma`` and ``lam`` count once for each, so that an outcome reaches the first step through as many discounts as there are segments.
``segment`` is what the recipe's ``segments`` says; equal numbers that follow each other are one segment.

Source: MA-RLHF, arXiv 2410.02743, and its authors' code (``modeling_macro_action`` with ``equal``: the mean of the values); the value where a segment begins
(``at_start``) is that of a semi-Markov decision process (Sutton, Precup and Singh 1999); their code has the value of the last token and
values weighed by position in its place. It averages the rewards of a segment too, so that a
KL penalty in the reward weighs 1/n; a sum is what the return is made of. ``gamma`` 1.0 and ``lam`` 0.95: theirs.
Differs from GAE: fewer actions, over which less is discounted and a critic is asked less often.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.advantages.gae import GAE
from guerdon.quantities import BT, Mask, Segment
from guerdon.steps import clean
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class SegmentGAE:
    gamma: float = 1.0
    lam: float = 0.95
    at_start: bool = False

    def __call__(self, step_reward: BT, old_value: BT, segment: Segment, mask: Mask) -> BT:
        index, place = pieces(segment, mask)
        reward = per_piece(clean(step_reward, mask), index)
        value = clean(old_value, mask)
        if self.at_start:
            value = per_piece(torch.where(place == 0, value, torch.zeros_like(value)), index)
        else:
            value = per_piece(value, index) / per_piece(mask.to(value.dtype), index).clamp(min=1)
        there = per_piece(mask.to(value.dtype), index) > 0
        return clean(GAE(self.gamma, self.lam)(reward, value, there).gather(-1, index), mask)


def pieces(segment: Segment, mask: Mask) -> tuple[Tensor, Tensor]:
    """[B, T] each: the number of the segment that an acted step belongs to, counted from 0 without gaps, and its place in it; 0 where nothing was acted."""
    steps = torch.arange(mask.shape[1], device=mask.device)
    latest = torch.where(mask, steps, -1).cummax(-1).values
    previous = torch.cat([torch.full_like(latest[:, :1], -1), latest[:, :-1]], -1)
    changed = (previous >= 0) & (segment != segment.gather(-1, previous.clamp(min=0))) & mask
    index = torch.where(mask, changed.long().cumsum(-1), 0)
    acted = mask.long().cumsum(-1) - 1
    begun = torch.where(changed, acted, 0).cummax(-1).values
    return index, torch.where(mask, acted - begun, -1)


def per_piece(x: BT, index: Tensor) -> BT:
    """[B, K = T], the sum of ``x`` over each segment."""
    return torch.zeros_like(x).scatter_add(-1, index, x)


_two = {  # segments of two acted steps and one; what lies between them was not acted
    "step_reward": [[1.0, 0.0, 9.0, 4.0]],
    "old_value": [[3.0, 1.0, 9.0, 1.0]],
    "segment": [[0, 0, 5, 1]],
    "mask": [[1, 1, 0, 1]],
}
witness = (
    Witness(SegmentGAE(lam=0.5), parent=GAE(lam=0.5), given=_two, returns=[[1.5, 1.5, 0.0, 3.0]]),  # residuals 1 + 1 - 2 = 0 and 3
    Witness(SegmentGAE(lam=0.5, at_start=True), parent=SegmentGAE(lam=0.5), given=_two, returns=[[0.5, 0.5, 0.0, 3.0]]),
    Witness(SegmentGAE(gamma=0.5, lam=0.5), parent=SegmentGAE(lam=0.5), given=_two, returns=[[0.25, 0.25, 0.0, 3.0]]),  # 1 + 0.5 - 2 + 0.75
)


def _each_its_own(inputs: dict) -> dict:
    return inputs | {"segment": torch.arange(inputs["mask"].shape[1]).expand(inputs["mask"].shape).clone()}


limits = (Limit(SegmentGAE(gamma=0.9, lam=0.8), equals=GAE(gamma=0.9, lam=0.8), when="every step is a segment", under=_each_its_own),)
