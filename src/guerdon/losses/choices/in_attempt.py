"""In attempt: the steps of one of the answers that a sequence holds.

    chosen = attempt == number        [B, T]; numbers below 0 count from the last attempt that was made

``Where(InAttempt(0), then=Against(KLExact()))`` holds the first attempt to the reference and leaves the others alone.

Source: SCoRE, arXiv 2409.12917, eq. 3: stage I penalises the divergence of the first attempt alone.
Differs from RewardAbove: a part of a sequence, by where it stands.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.losses.choices.reward_above import RewardAbove
from guerdon.quantities import Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class InAttempt:
    per_batch: ClassVar[bool] = False

    number: int = 0

    def __call__(self, attempt: Tensor, mask: Mask) -> Mask:
        if self.number >= 0 or not mask.shape[1]:
            return mask & (attempt == self.number)
        made = torch.where(mask, attempt, torch.full_like(attempt, -1)).amax(-1, keepdim=True) + 1
        return mask & (attempt == made + self.number)


_given = {"attempt": [[0, 0, 1, 1], [0, 0, 0, 0]], "mask": [[1, 1, 0, 1], [1, 1, 0, 0]], "reward": [1.0, 0.0]}
witness = (
    Witness(InAttempt(), parent=RewardAbove(), given=_given, returns=[[1, 1, 0, 0], [1, 1, 0, 0]]),
    Witness(InAttempt(-1), parent=InAttempt(1), given=_given, returns=[[0, 0, 0, 1], [1, 1, 0, 0]]),
)
