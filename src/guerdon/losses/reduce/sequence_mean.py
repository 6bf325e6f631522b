"""Sequence mean: every sequence of the batch counts the same, so a step of a long one counts less.

    weights = mask / acted steps of the sequence / sequences with any acted step        [B, T]

For a loss per pair or per sequence, whose mask is [N, 1], it is the plain mean.

Source: GRPO, arXiv 2402.03300, eq. 3 (1/G times the sum of 1/|o_i|). Sequences without an acted step are not counted, as a filtered pair
is not.
Differs from TokenMean: equal weight per sequence rather than per step. In policy optimisation it favours short right answers and long
wrong ones (Dr. GRPO, arXiv 2503.20783, section 3.1).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class SequenceMean:
    per_batch: ClassVar[bool] = True

    def __call__(self, mask: Mask) -> BT:
        return mask / mask.sum(-1, keepdim=True).clamp(min=1) / mask.any(-1).sum().clamp(min=1)


witness = Witness(
    SequenceMean(),
    parent=TokenMean(),
    given={"mask": [[1, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]]},
    returns=[[1 / 6, 1 / 6, 0.0, 1 / 6], [0.5, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]],
)


def _equal_lengths(inputs: dict) -> dict:
    return inputs | {"mask": torch.ones_like(inputs["mask"])}


limits = (Limit(SequenceMean(), equals=TokenMean(), when="all sequences have the same number of acted steps", under=_equal_lengths),)
