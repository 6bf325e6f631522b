"""Entropy peaks: a segment begins where the policy was least certain of what to do next.

    a segment begins at the ``share`` of each sequence's acted steps that have the highest proximal_entropy        [B, T]

The number of steps is rounded down; equally high ones all count.

Source: forks at the most uncertain tokens, as in TreeRL, arXiv 2506.11902, and the fifth of tokens with the highest entropy of arXiv 2506.01939 (``share`` 0.2).
Differs from AfterUncertain: the distribution before the step decides and not what was drawn from it, and the length of segments follows from the sequence's own.
"""

from dataclasses import dataclass

import torch

from guerdon.credit.segments._starts import numbered
from guerdon.credit.segments.after_uncertain import AfterUncertain
from guerdon.quantities import BT, Mask, Segment
from guerdon.witness import Witness


@dataclass(frozen=True)
class EntropyPeaks:
    share: float = 0.2

    def __call__(self, proximal_entropy: BT, mask: Mask) -> Segment:
        own = torch.where(mask, proximal_entropy, -torch.inf)
        ranked = own.sort(-1, descending=True).values
        count = (mask.sum(-1, keepdim=True) * self.share + 1e-9).long()
        least = ranked.gather(-1, (count - 1).clamp(min=0)) if ranked.shape[-1] else own.new_zeros(count.shape)
        return numbered((own >= least) & (count > 0), mask)


_said = {"proximal_entropy": [[2.0, 1.0, 0.5, 9.0, 1.5, 0.1]], "mask": [[1, 1, 1, 0, 1, 1]]}
witness = (
    Witness(EntropyPeaks(share=0.4), parent=AfterUncertain(), given=_said, returns=[[0, 0, 0, 0, 1, 1]]),
    Witness(EntropyPeaks(share=0.6), parent=EntropyPeaks(share=0.4), given=_said, returns=[[0, 1, 1, 1, 2, 2]]),
)
