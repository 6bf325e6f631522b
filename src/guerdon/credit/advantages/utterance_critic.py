"""Utterance critic: what a critic of whole turns says of a turn, for each of its tokens.

    advantage_t = q at the last acted step of the segment of t - value at its first        [B, T], in units of the return

``segment`` says turns. ``old_q`` is read where a turn has been said, ``old_value`` where it has not begun: what stands in between is of no turn and not read. The critic may
have learned from turns of other policies, long ago: no reward of this episode is read.

Source: ArCHer, Zhou et al. 2024, arXiv 2402.19446, section 3, and its authors' code (YifeiZhou02/ArCHer, ``trainer.py``): A = min(q1, q2) - min(v1, v2), the same for all
tokens of an utterance. Differs from SegmentGAE: what comes after a turn is believed and not looked at."""

from dataclasses import dataclass

import torch

from guerdon.credit.advantages.segment_gae import SegmentGAE, per_piece, pieces
from guerdon.quantities import BT, Mask, Segment
from guerdon.steps import clean
from guerdon.witness import Witness


@dataclass(frozen=True)
class UtteranceCritic:
    def __call__(self, old_q: BT, old_value: BT, segment: Segment, mask: Mask) -> BT:
        index, place = pieces(segment, mask)
        length = per_piece(mask.to(old_q.dtype), index).gather(-1, index)
        last = mask & (place + 1 == length)
        began = per_piece(torch.where(mask & (place == 0), old_value, torch.zeros_like(old_value)), index)
        said = per_piece(torch.where(last, old_q, torch.zeros_like(old_q)), index)
        return clean((said - began).gather(-1, index), mask)


witness = Witness(  # turns of two acted steps and of one; what lies between them was not acted
    UtteranceCritic(),
    parent=SegmentGAE(at_start=True),
    given={
        "old_q": [[9.0, 5.0, 9.0, 2.0]],
        "old_value": [[3.0, 9.0, 9.0, 4.0]],
        "step_reward": [[0.0, 0.0, 9.0, 1.0]],
        "segment": [[0, 0, 5, 1]],
        "mask": [[1, 1, 0, 1]],
    },
    returns=[[2.0, 2.0, 0.0, -2.0]],
)
