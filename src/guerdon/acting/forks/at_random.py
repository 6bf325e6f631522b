"""At random: fork anywhere.

    score_t = uniform_t        [B, T], a random number for each acted step

Source: the baseline of TreeRL, arXiv 2506.11902.
Differs from Surprise: it does not look at what was drawn.
"""

from dataclasses import dataclass

import torch

from guerdon.acting.forks.surprise import Surprise
from guerdon.quantities import BT, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class AtRandom:
    def __call__(self, uniform: BT, mask: Mask) -> BT:
        return torch.where(mask, uniform, -torch.inf)


witness = Witness(
    AtRandom(),
    parent=Surprise(),
    given={"uniform": torch.tensor([[0.25, 0.75, 0.5]]), "mask": torch.tensor([[True, True, False]])},
    returns=[[0.25, 0.75, -torch.inf]],
)
