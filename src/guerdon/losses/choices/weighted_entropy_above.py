"""Weighted entropy above: steps at which the policy was undecided and of which something is to be learned.

    chosen = |advantage| * entropy >= bound        [B, T];   bound in nats times the reward's unit

Source: D3S, arXiv 2509.22115, section 3.2, in a summary, with a bound that is given.
Differs from EntropyAbove: an undecided step counts by how much its answer is praised or blamed.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.choices.entropy_above import EntropyAbove
from guerdon.quantities import BT, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class WeightedEntropyAbove:
    per_batch: ClassVar[bool] = False

    bound: float

    def __call__(self, entropy: BT, advantage: BT) -> Mask:
        return weighted(entropy, advantage) >= self.bound


def weighted(entropy: BT, advantage: BT) -> BT:
    """What a step is worth looking at."""
    return advantage.detach().abs() * entropy.detach()


_steps = {"entropy": [[0.5, 1.0, 2.0]], "advantage": [[-4.0, 1.0, 0.25]]}  # 2, 1 and 1/2
witness = (
    Witness(WeightedEntropyAbove(1.0), parent=EntropyAbove(1.0), given=_steps, returns=[[1, 1, 0]]),
    Witness(WeightedEntropyAbove(1.5), parent=WeightedEntropyAbove(1.0), given=_steps, returns=[[1, 0, 0]]),
)
