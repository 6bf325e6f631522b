"""Undecided: the steps at which the policy was the least sure of what to do count for more.

    emphasis = factor at the ``share`` of each sequence's acted steps with the highest proximal_entropy, 1 elsewhere        [B, T], without unit

The number of steps is rounded down; of equals the earlier ones are taken.

Source: high-entropy credit, the rival of arXiv 2510.13554 (its 0.4 and 1.5); "Beyond the 80/20 Rule", arXiv 2506.01939, leaves the others out altogether
(``losses.choices.top_entropy``) and chooses by batch.
Differs from Unchanged: steps differ.
"""

from dataclasses import dataclass

from guerdon.credit.emphasis._top import amplified, top
from guerdon.credit.emphasis.unchanged import Unchanged
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Undecided:
    share: float = 0.4
    factor: float = 1.5

    def __call__(self, proximal_entropy: BT, mask: Mask) -> BT:
        return amplified(top(proximal_entropy, mask, self.share), self.factor, proximal_entropy)


_five = {"proximal_entropy": [[0.1, 0.9, 0.3, 7.0, 0.3, 0.2]], "mask": [[1, 1, 1, 0, 1, 1]]}
witness = (
    Witness(Undecided(), parent=Unchanged(), given=_five, returns=[[1.0, 1.5, 1.5, 1.0, 1.0, 1.0]]),
    Witness(Undecided(share=0.2), parent=Undecided(), given=_five, returns=[[1.0, 1.5, 1.0, 1.0, 1.0, 1.0]]),
    Witness(Undecided(factor=0.0), parent=Undecided(), given=_five, returns=[[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]]),
)
limits = (Limit(Undecided(factor=1.0), equals=Undecided(share=0.0), when="the factor is 1: as where no step is chosen"),)
