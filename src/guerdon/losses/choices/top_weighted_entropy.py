"""Top weighted entropy: the share of the batch's steps at which being undecided and being praised or blamed come together the most.

    chosen = |advantage| * entropy >= quantile(the same of all acted steps, 1 - share)        [B, T]

Source: D3S, arXiv 2509.22115, section 3.2, in a summary. Between two steps the quantile is interpolated, as in TopEntropy, whose ``share`` of 0.2 this has too.
Differs from TopEntropy: steps of answers of which little is to be learned give way.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.errors import InputError
from guerdon.losses.choices.top_entropy import TopEntropy, quantile
from guerdon.losses.choices.weighted_entropy_above import WeightedEntropyAbove, weighted
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class TopWeightedEntropy:
    per_batch: ClassVar[bool] = True

    share: float = 0.2

    def __post_init__(self) -> None:
        if isinstance(self.share, (int, float)) and not 0 <= self.share <= 1:
            raise InputError(
                f"top_weighted_entropy: share is {self.share}, and is a share of the steps of a batch; give a number from 0 to 1"
            )

    def settled(self, entropy: BT, advantage: BT, mask: Mask) -> WeightedEntropyAbove:
        return WeightedEntropyAbove(quantile(weighted(entropy, advantage)[mask], 1 - self.share))

    def __call__(self, entropy: BT, advantage: BT, mask: Mask) -> Mask:
        return self.settled(entropy, advantage, mask)(entropy, advantage) & mask


_steps = {  # 2, 1 (and one that was not acted), 0.5, 0.2, 0.6
    "entropy": [[0.5, 1.0, 9.0], [2.0, 0.1, 0.2]],
    "advantage": [[-4.0, 1.0, 1.0], [0.25, 2.0, 3.0]],
    "mask": [[1, 1, 0], [1, 1, 1]],
}
witness = (
    Witness(TopWeightedEntropy(0.25), parent=TopEntropy(0.25), given=_steps, returns=[[1, 1, 0], [0, 0, 0]]),
    Witness(TopWeightedEntropy(0.5), parent=TopWeightedEntropy(0.25), given=_steps, returns=[[1, 1, 0], [0, 0, 1]]),
)


def _alike(inputs: dict) -> dict:
    return inputs | {"advantage": inputs["advantage"] * 0 + 1}


limits = (Limit(TopWeightedEntropy(0.5), equals=TopEntropy(0.5), when="all advantages are of one size", under=_alike),)
