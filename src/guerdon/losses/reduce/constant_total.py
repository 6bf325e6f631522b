"""Constant total: the sum over all steps of the batch, divided by a number that nothing of the batch changes.

    weights = mask / total        [B, T]

A step counts the same whatever else was sampled, how long it was and how many sequences there are: a batch of fewer sequences makes a smaller step. ``total`` is by
custom about the number of tokens of a full batch.

Source: ``loss_denominator`` of open-instruct, given as a number, and ``loss_agg_mode: seq-mean-token-sum-norm`` of verl (``loss_scale_factor``).
Differs from ConstantLength: not divided by the number of sequences.
"""

from dataclasses import dataclass

import torch

from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class ConstantTotal:
    total: float

    def __call__(self, mask: Mask) -> BT:
        return mask / self.total


_mask = {"mask": [[1, 1, 1], [1, 0, 0]]}
witness = (
    Witness(ConstantTotal(total=8), parent=ConstantLength(length=8), given=_mask, returns=[[0.125] * 3, [0.125, 0.0, 0.0]]),
    Witness(ConstantTotal(total=2), parent=ConstantTotal(total=8), given=_mask, returns=[[0.5] * 3, [0.5, 0.0, 0.0]]),
)


def _full(inputs: dict) -> dict:
    return inputs | {"mask": torch.ones_like(inputs["mask"])}


limits = (Limit(ConstantTotal(total=30), equals=TokenMean(), when="that many steps were acted", under=_full),)
