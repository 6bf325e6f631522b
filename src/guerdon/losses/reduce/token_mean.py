"""Token mean: every acted step of the batch counts the same, so long sequences count more.

    weights = mask / number of acted steps in the batch        [B, T]

Source: DAPO, arXiv 2503.14476, section 3.3.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.quantities import BT, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class TokenMean:
    per_batch: ClassVar[bool] = True

    def __call__(self, mask: Mask) -> BT:
        return mask / mask.sum().clamp(min=1)


witness = Witness(TokenMean(), given={"mask": [[1, 1, 1], [1, 0, 0]]}, returns=[[0.25, 0.25, 0.25], [0.25, 0.0, 0.0]])
