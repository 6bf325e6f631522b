"""Constant length: every step counts the same in every batch, whatever the lengths of this one.

    weights = mask / (sequences with any acted step * length)        [B, T]

``length`` is a constant, by custom the longest allowed completion; with 1 it is the mean over sequences of the sums over their steps
(``seq-mean-token-sum`` of verl, ``luspo`` of TRL). It makes the reduction linear in the sequences, so the policy gradient
of the expected return is not biased by how length and reward go together.

Source: Dr. GRPO, arXiv 2503.20783, section 3.2 and listing 1 (which divides by the generation budget).
Differs from TokenMean: the denominator does not depend on the lengths that were sampled.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class ConstantLength:
    per_batch: ClassVar[bool] = True

    length: int

    def __call__(self, mask: Mask) -> BT:
        return mask / (mask.any(-1).sum().clamp(min=1) * self.length)


_mask = {"mask": [[1, 1, 1], [1, 0, 0]]}
witness = (
    Witness(ConstantLength(length=4), parent=TokenMean(), given=_mask, returns=[[0.125, 0.125, 0.125], [0.125, 0.0, 0.0]]),
    Witness(ConstantLength(length=8), parent=ConstantLength(length=4), given=_mask, returns=[[0.0625] * 3, [0.0625, 0.0, 0.0]]),
)


def _full(inputs: dict) -> dict:
    return inputs | {"mask": torch.ones_like(inputs["mask"])}


limits = (Limit(ConstantLength(length=5), equals=TokenMean(), when="every sequence has that length", under=_full),)
