"""On both sides: a loss with one number for a sequence, computed on the two sides of pairs together as if they were sequences like any others.

    loss_n = mean over the sides of  loss of all 2 N sequences, at that side of pair n        [N]

``OnBothSides(BinDiscrepancy())`` compares all answers of a batch with each other, whichever were preferred. It needs whatever the loss needs, on either side.

Source: the composition is ours.
Differs from OnSide: the sides are looked at together, so that a loss of the whole batch sees both.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.on_side import OnSide
from guerdon.losses.penalties.attribute_correlation import AttributeCorrelation
from guerdon.parts import Part, call, describe, needs, wants
from guerdon.quantities import SIDES, N, by_step
from guerdon.witness import Witness


@dataclass(frozen=True)
class OnBothSides:
    per_item: ClassVar[bool] = True  # a loss per pair, not per step

    loss: Part

    def __post_init__(self) -> None:
        if not getattr(self.loss, "per_item", False):
            raise InputError(
                f"on_both_sides takes a loss with one number for a sequence, and {describe(self.loss)} has one for a step; take on_side"
            )

    def needs(self) -> frozenset[str]:
        return frozenset(f"{side}_{name}" for side in SIDES for name in needs(self.loss))

    def wants(self) -> frozenset[str]:
        return frozenset(f"{side}_{name}" for side in SIDES for name in wants(self.loss))

    def __call__(self, **quantities: Tensor) -> N:
        first, second = ({n.removeprefix(f"{s}_"): x for n, x in quantities.items() if n.startswith(f"{s}_")} for s in SIDES)
        both = call(self.loss, {name: _together(name, first[name], second[name]) for name in first.keys() & second.keys()})
        return both.unflatten(0, (2, -1)).mean(0) if len(both) else both


def _together(name: str, first: Tensor, second: Tensor) -> Tensor:
    """[2 N, ...]; steps of the side with fewer are filled up with zeros, which nobody acted."""
    if by_step(name, first):
        longest = max(first.shape[1], second.shape[1])
        first, second = (torch.cat([x, x.new_zeros(len(x), longest - x.shape[1], *x.shape[2:])], 1) for x in (first, second))
    return torch.cat([first, second])


_R2 = 2**0.5
witness = Witness(  # the four sequences of AttributeCorrelation's witness, as two pairs
    OnBothSides(AttributeCorrelation("marks")),
    parent=OnSide(AttributeCorrelation("marks")),
    given={
        "chosen_head_score": [[0.0, 0.0], [1.0, 0.0]],
        "chosen_marks": [3.0, 3.0],
        "rejected_head_score": [[1.0, 1.0], [2.0, 1.0]],
        "rejected_marks": [5.0, 5.0],
    },
    returns=[1 / _R2 - 1] * 2,
    gradient={"chosen_head_score": [[0.0, 0.0], [-1 / _R2, 0.0]], "rejected_head_score": [[1 / _R2, 0.0], [0.0, 0.0]]},
)
