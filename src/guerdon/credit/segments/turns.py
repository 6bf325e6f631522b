"""Turns: what the policy did between two answers of the world is one segment.

    a segment begins at each acted step that follows one at which the policy did not act        [B, T]

Source: turns of tool use and dialogue, as credited by MT-GRPO, arXiv 2505.11821. A sequence without tool output is one turn.
Differs from EveryN: the world cuts, not the clock.
"""

from dataclasses import dataclass

import torch

from guerdon.credit.segments._starts import numbered
from guerdon.credit.segments.every_n import EveryN
from guerdon.quantities import Mask, Segment
from guerdon.witness import Witness


@dataclass(frozen=True)
class Turns:
    def __call__(self, mask: Mask) -> Segment:
        follows = torch.cat([torch.zeros_like(mask[:, :1]), mask[:, :-1]], -1)
        return numbered(mask & ~follows, mask)


witness = Witness(
    Turns(),
    parent=EveryN(n=2),
    given={"mask": [[1, 1, 1, 0, 0, 1, 0, 1], [0, 0, 1, 1, 1, 1, 1, 1]]},
    returns=[[0, 0, 0, 0, 0, 1, 1, 2], [0, 0, 0, 0, 0, 0, 0, 0]],
)
