"""Functionals: the distribution of the next step → a number, or K of them, at each step; with its gradient, worked out by hand.

A file holds one functional, under the name that it has in the glossary (``guerdon.quantities``); what it returns is measured where a part asks
for that name. It sees a tile of R steps at a time (``tiles``) and must not keep anything of size R V. With z the logits, p their softmax, f the
value and g the gradient that reaches it::

    df/dz g  =  p * factor + rest            [R, V]

Most gradients are a factor on p, so those of several functionals together cost one pass more each, and one p.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

if TYPE_CHECKING:
    from guerdon.models.language.tiles import Tile


@dataclass(frozen=True)
class Functional:
    """What every functional is.

    Attributes:
        view: the model that the policy is compared with; "" in functionals of one distribution.
        at: which one of a family it is, as its name says in brackets; "" where it is alone.
        compares: whether it is a functional of two distributions. The other's are constants: no gradient reaches them.
    """

    view: str = ""
    at: str = ""
    compares: ClassVar[bool] = False

    def value(self, tile: "Tile") -> Tensor:
        """[R] or [R, K], of tensors that no gradient is recorded of."""
        raise NotImplementedError

    def factor(self, tile: "Tile", value: Tensor, gradient: Tensor) -> Tensor:
        """[R, 1] or [R, V], a tensor of its own, which may be written over: what p is multiplied by."""
        raise NotImplementedError

    def rest(self, into: Tensor, tile: "Tile", value: Tensor, gradient: Tensor) -> None:
        """Add to ``into`` [R, V] what of the gradient is no factor of p."""
