"""On an actor: a loss per step, computed on what one of the sampler's actors drew.

    loss = loss of the sequences with actor = ``actor``        [B, T], 0 elsewhere; averages are over these sequences alone

``OnActor(NegativeLogLikelihood(), actor=1)`` with a negative weight pushes the policy away from what the second actor of ``Interpolated``
says: the optimism of XPO.

Source: the composition is ours.
Differs from OnSide: whose answer it is, not whether it won.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.parts import Part, call, needs, wants
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class OnActor:
    loss: Part
    actor: int = 0

    def needs(self) -> frozenset[str]:
        return needs(self.loss) | {"actor"}

    def wants(self) -> frozenset[str]:
        return wants(self.loss)

    def __call__(self, actor: Tensor, **quantities: Tensor) -> BT:
        each = call(self.loss, {**quantities, "actor": actor})
        return torch.where((actor == self.actor).unsqueeze(-1), each, torch.zeros_like(each))


witness = Witness(
    OnActor(NegativeLogLikelihood(), actor=1),
    parent=OnSide(NegativeLogLikelihood()),
    given={"logp": [[-1.0, -2.0], [-3.0, -4.0]], "actor": [0, 1]},
    returns=[[0.0, 0.0], [3.0, 4.0]],
    gradient={"logp": [[0.0, 0.0], [-1.0, -1.0]]},
)
