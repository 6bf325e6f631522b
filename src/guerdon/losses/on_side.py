"""On one side: a loss per step, computed on one side of a pair.

    loss = loss of what is chosen_... (or rejected_...)        [N, T], or [N] where the loss has one number for a sequence

``OnSide(NegativeLogLikelihood())`` is SFT on the chosen answers, the second term of ORPO, CPO and DPO with an anchor. It needs whatever the loss
needs, on that side.

Source: the composition is ours.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.parts import Part, call, needs, wants
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class OnSide:
    loss: Part
    side: str = "chosen"

    @property
    def per_item(self) -> bool:
        """Whether it is a loss per pair, because that of the side is one per sequence."""
        return getattr(self.loss, "per_item", False)

    def needs(self) -> frozenset[str]:
        return frozenset(f"{self.side}_{name}" for name in needs(self.loss))

    def wants(self) -> frozenset[str]:
        return frozenset(f"{self.side}_{name}" for name in wants(self.loss))

    def __call__(self, **quantities: Tensor) -> BT:
        prefix = f"{self.side}_"
        return call(self.loss, {name.removeprefix(prefix): x for name, x in quantities.items() if name.startswith(prefix)})


_pair = {"chosen_logp": [[-1.0, -2.0]], "rejected_logp": [[-3.0, -4.0]]}
witness = (
    Witness(
        OnSide(NegativeLogLikelihood()), given=_pair, returns=[[1.0, 2.0]], gradient={"chosen_logp": [[-1.0, -1.0]], "rejected_logp": None}
    ),
    Witness(
        OnSide(NegativeLogLikelihood(), side="rejected"),
        parent=OnSide(NegativeLogLikelihood()),
        given=_pair,
        returns=[[3.0, 4.0]],
        gradient={"chosen_logp": None, "rejected_logp": [[-1.0, -1.0]]},
    ),
)
