"""Top entropy: the share of the batch's steps at which the policy was the least decided.

    chosen = entropy >= quantile(entropy of all acted steps, 1 - share)        [B, T]

Most steps of an answer follow from what stands before them; where it forks the entropy is high, and these few steps are said to be what there is to learn.

Source: "Beyond the 80/20 Rule", Wang et al. 2025, arXiv 2506.01939, and its share, 0.2. Between two steps the quantile is interpolated, as by
``top_entropy_quantile`` of TRL.
Differs from EntropyAbove: the bound moves with the batch.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.choices.entropy_above import EntropyAbove
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class TopEntropy:
    per_batch: ClassVar[bool] = True

    share: float = 0.2

    def __post_init__(self) -> None:
        if isinstance(self.share, (int, float)) and not 0 <= self.share <= 1:
            raise InputError(f"top_entropy: share is {self.share}, and is a share of the steps of a batch; give a number from 0 to 1")

    def settled(self, entropy: BT, mask: Mask) -> EntropyAbove:
        return EntropyAbove(quantile(entropy.detach()[mask], 1 - self.share))

    def __call__(self, entropy: BT, mask: Mask) -> Mask:
        return self.settled(entropy, mask)(entropy) & mask


def quantile(x: Tensor, at: float) -> float:
    """As ``torch.quantile``, which takes no more than 16 million numbers; of none, infinity."""
    if not len(x):
        return math.inf
    place = at * (len(x) - 1)
    ordered = x.sort().values
    return float(torch.lerp(ordered[math.floor(place)], ordered[math.ceil(place)], place - math.floor(place)))


_steps = {"entropy": [[0.5, 1.0, 9.0], [2.0, 0.1, 0.2]], "mask": [[1, 1, 0], [1, 1, 1]]}  # in order 0.1, 0.2, 0.5, 1, 2
witness = (
    Witness(TopEntropy(0.25), parent=EntropyAbove(0.5), given=_steps, returns=[[0, 1, 0], [1, 0, 0]]),
    Witness(TopEntropy(0.5), parent=TopEntropy(0.25), given=_steps, returns=[[1, 1, 0], [1, 0, 0]]),
    Witness(TopEntropy(0.0), parent=TopEntropy(0.25), given=_steps, returns=[[0, 0, 0], [1, 0, 0]]),
)
limits = (Limit(TopEntropy(1.0), equals=EntropyAbove(0.0), when="the share is 1: all acted steps"),)
