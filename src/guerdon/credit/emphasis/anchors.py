"""Anchors: the steps to which later ones look back the most count for more.

    emphasis = factor at the ``share`` of each sequence's acted steps that receive the most attention, 1 elsewhere        [B, T], without unit

The attention is that which a step's own token gets of the heads that look far, from tokens ``near`` to ``far`` later (``attention_received``), of the policy before its first
gradient step on the rollouts. The number of steps is rounded down; of equals the earlier ones are taken.

Source: global-anchor credit, Li et al. 2025, arXiv 2510.13554, eqs. 15 and 16; 0.4, 1.5, 10 and 50 are its own, for answers of up to 8,192 tokens.
Differs from Undecided: what is made of a step later decides, and not how hard it was to choose.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.credit.emphasis._top import amplified, top
from guerdon.credit.emphasis.undecided import Undecided
from guerdon.quantities import BT, Mask
from guerdon.witness import Witness


@dataclass(frozen=True)
class Anchors:
    share: float = 0.4
    factor: float = 1.5
    near: int = 10
    far: int = 50

    @property
    def received(self) -> str:
        """The name of what is read."""
        return f"proximal_attention_received({self.near},{self.far})"

    def needs(self) -> frozenset[str]:
        return frozenset({self.received, "mask"})

    def __call__(self, mask: Mask, **quantities: Tensor) -> BT:
        received = quantities[self.received]
        return amplified(top(received, mask, self.share), self.factor, received)


_five = {"proximal_attention_received(10,50)": [[0.1, 0.9, 0.3, 7.0, 0.3, 0.2]], "mask": [[1, 1, 1, 0, 1, 1]]}
witness = (
    Witness(Anchors(), parent=Undecided(), given=_five, returns=[[1.0, 1.5, 1.5, 1.0, 1.0, 1.0]]),
    Witness(Anchors(share=0.2), parent=Anchors(), given=_five, returns=[[1.0, 1.5, 1.0, 1.0, 1.0, 1.0]]),
    Witness(Anchors(factor=2.0), parent=Anchors(), given=_five, returns=[[1.0, 2.0, 2.0, 1.0, 1.0, 1.0]]),
    Witness(
        Anchors(near=1, far=2, share=0.5),
        parent=Anchors(share=0.5),
        given={"proximal_attention_received(1,2)": [[0.0, 0.5]], "mask": [[1, 1]]},
        returns=[[1.0, 1.5]],
    ),
)
