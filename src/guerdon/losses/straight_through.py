"""Straight-through: the value of one loss and the gradient of another.

    loss = sg[value_of] + loss - sg[loss]        in the losses' own shape

An estimate of a KL that is right in value need not be right in gradient, and the other way round (``losses.penalties``). With this what is logged is
the one and what is learned from the other. The gradient does not depend on ``value_of``.

Source: the composition is ours; ``StraightThrough(KLExponential(), KLSquare())`` is the estimate ``k3+`` of verl.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.parts import Part, call, needs, wants
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class StraightThrough:
    value_of: Part
    loss: Part

    def needs(self) -> frozenset[str]:
        return needs(self.value_of) | needs(self.loss)

    def wants(self) -> frozenset[str]:
        return (wants(self.value_of) | wants(self.loss)) - self.needs()

    def __call__(self, **quantities: Tensor) -> Tensor:
        loss = call(self.loss, quantities)
        return call(self.value_of, quantities).detach() + (loss - loss.detach())


LN2 = 0.6931471805599453
_given = {"logp": [[0.0, -LN2]], "ref_logp": [[-LN2, 0.0]]}
witness = (
    Witness(
        StraightThrough(KLExponential(), KLSquare()),
        parent=KLExponential(),
        given=_given,
        returns=[[LN2 - 0.5, 1.0 - LN2]],
        gradient={"logp": [[LN2, -LN2]], "ref_logp": None},
    ),
    Witness(
        StraightThrough(KLSquare(), KLExponential()),
        parent=StraightThrough(KLExponential(), KLSquare()),
        given=_given,
        returns=[[LN2**2 / 2, LN2**2 / 2]],
        gradient={"logp": [[0.5, -1.0]]},
    ),
)
limits = (Limit(StraightThrough(KLSquare(), KLSquare()), equals=KLSquare(), when="both are the same"),)
