"""Told: the steps of those answers of which a teacher was told something.

    chosen = told > 0        [B, T], the same at all acted steps of a sequence

Source: the mask of SDPO, arXiv 2601.20802, as TRL 1.16's ``self_distillation_mask`` is made: an answer of whose group nothing is known is not distilled.
Differs from RewardAbove: what is known of others in the group decides, not the answer's own reward.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.choices.reward_above import RewardAbove
from guerdon.quantities import B, Mask
from guerdon.steps import spread
from guerdon.witness import Witness


@dataclass(frozen=True)
class Told:
    per_batch: ClassVar[bool] = False

    def __call__(self, told: B, mask: Mask) -> Mask:
        return spread(told > 0, mask)


witness = Witness(
    Told(),
    parent=RewardAbove(),
    given={"told": [1.0, 0.0], "reward": [0.0, 1.0], "mask": [[1, 0], [1, 1]]},
    returns=[[1, 0], [0, 0]],
)
