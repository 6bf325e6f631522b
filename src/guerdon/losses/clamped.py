"""Clamped: a loss per step that is cut where it is large, and has no gradient there.

    loss = clip(loss, low, high)        in the loss's own shape

One step that the policy has given up costs at most ``high``, and does not move it: of a penalty that is to hold the policy this lets go just where it
has gone furthest. Parts here are finite without it (``guerdon.exponentials``); it is for those who want what other trainers do.

Source: the composition is ours; ``Clamped(KLExponential())`` is ``low_var_kl`` of verl, SkyRL and slime, and k3 of NeMo-RL (``kl_output_clamp_value``). With
10, their number, what they clamp before, log-ratios at 20, has no effect of its own.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.parts import Part, call, needs, wants
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Clamped:
    loss: Part
    low: float = -10.0
    high: float = 10.0

    def needs(self) -> frozenset[str]:
        return needs(self.loss)

    def wants(self) -> frozenset[str]:
        return wants(self.loss)

    def __call__(self, **quantities: Tensor) -> Tensor:
        return call(self.loss, quantities).clamp(self.low, self.high)


_far = {"logp": [[-6.0, -1.0]], "ref_logp": [[0.0, 0.0]]}
witness = (
    Witness(Clamped(KLSquare()), parent=KLSquare(), given=_far, returns=[[10.0, 0.5]], gradient={"logp": [[0.0, -1.0]], "ref_logp": None}),
    Witness(
        Clamped(KLSquare(), low=2.0, high=20.0),
        parent=Clamped(KLSquare()),
        given=_far,
        returns=[[18.0, 2.0]],
        gradient={"logp": [[-6.0, 0.0]]},
    ),
)
limits = (Limit(Clamped(KLExponential(), -1e9, 1e9), equals=KLExponential(), when="the bounds are far"),)
