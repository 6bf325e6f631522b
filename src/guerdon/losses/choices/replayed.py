"""Replayed: all steps of the sequences that were drawn before and stand beside the fresh ones.

    chosen = replayed        [B, T], the same at all acted steps of a sequence

Which they are says the recipe's buffer (``data.buffers``).

Source: the off-policy part of mixed objectives: LUFFY, arXiv 2504.14945, ExGRPO, arXiv 2510.02245.
Differs from RewardAbove: by where a sequence comes from.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.choices.reward_above import RewardAbove
from guerdon.quantities import B, Mask
from guerdon.steps import spread
from guerdon.witness import Witness


@dataclass(frozen=True)
class Replayed:
    per_batch: ClassVar[bool] = False

    def __call__(self, replayed: B, mask: Mask) -> Mask:
        return spread(replayed.detach() > 0, mask)


witness = Witness(
    Replayed(),
    parent=RewardAbove(),
    given={"replayed": [1.0, 0.0], "reward": [0.0, 1.0], "mask": [[1, 0], [1, 1]]},
    returns=[[1, 0], [0, 0]],
)
