"""Preplans: the steps at which the policy stops, or begins, to look at its nearest past alone count for more: where one phrase ends and the next is begun.

    drop_t   = |attention_distance_t - attention_distance of the next acted step|        0 at the last
    emphasis = factor at the ``share`` of each sequence's acted steps with the largest drop, 1 elsewhere        [B, T], without unit

The distance is that of the heads that look near, cut at ``window`` tokens, of the policy before its first gradient step on the rollouts. The number of steps is rounded down;
of equals the earlier ones are taken.

Source: local-chunk credit, Li et al. 2025, arXiv 2510.13554, eqs. 13 and 14; 0.4, 1.5 and 10 are its own.
Differs from Anchors: how the step itself came about decides, and not what is made of it later.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.credit.emphasis._top import amplified, drop, top
from guerdon.credit.emphasis.undecided import Undecided
from guerdon.quantities import BT, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class Preplans:
    share: float = 0.4
    factor: float = 1.5
    window: int = 10

    @property
    def distance(self) -> str:
        """The name of what is read."""
        return f"proximal_attention_distance({self.window})"

    def needs(self) -> frozenset[str]:
        return frozenset({self.distance, "mask"})

    def __call__(self, mask: Mask, **quantities: Tensor) -> BT:
        distance = quantities[self.distance]
        return amplified(top(drop(distance, mask), mask, self.share), self.factor, distance)


_five = {"proximal_attention_distance(10)": [[1.0, 5.0, 2.0, 99.0, 2.0, 4.0]], "mask": [[1, 1, 1, 0, 1, 1]]}  # drops 4, 3, 0, -, 2, 0
witness = (
    Witness(Preplans(), parent=Undecided(), given=_five, returns=[[1.5, 1.5, 1.0, 1.0, 1.0, 1.0]]),
    Witness(Preplans(share=0.6), parent=Preplans(), given=_five, returns=[[1.5, 1.5, 1.0, 1.0, 1.5, 1.0]]),
    Witness(Preplans(factor=3.0), parent=Preplans(), given=_five, returns=[[3.0, 3.0, 1.0, 1.0, 1.0, 1.0]]),
    Witness(
        Preplans(window=2, share=0.5),
        parent=Preplans(share=0.5),
        given={"proximal_attention_distance(2)": [[2.0, 0.0]], "mask": [[1, 1]]},
        returns=[[1.5, 1.0]],
    ),
)
