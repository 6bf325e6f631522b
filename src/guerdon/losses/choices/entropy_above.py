"""Entropy above: steps at which the policy was undecided.

    chosen = entropy >= bound        [B, T];   bound in nats

Source: "Beyond the 80/20 Rule", Wang et al. 2025, arXiv 2506.01939, the indicator of its objective, with a bound that is given.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.quantities import BT, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class EntropyAbove:
    per_batch: ClassVar[bool] = False

    bound: float

    def __call__(self, entropy: BT) -> Mask:
        return entropy.detach() >= self.bound


_steps = {"entropy": [[0.5, 1.0, 2.0]]}
witness = (
    Witness(EntropyAbove(1.0), given=_steps, returns=[[0, 1, 1]]),
    Witness(EntropyAbove(1.5), parent=EntropyAbove(1.0), given=_steps, returns=[[0, 0, 1]]),
)
