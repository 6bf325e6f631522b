"""Emphasised: another advantage, times by how much each of its steps matters.

    advantage' = advantage * emphasis where it is to be, advantage elsewhere        [B, T], in units of the other's

``praise_only`` multiplies where the advantage is not negative and leaves blame alone. Emphasis above 1 throughout is a larger learning rate and no more: what changes the
direction of the update is how steps differ.

Source: the shaped advantage of arXiv 2510.13554, eq. 12 (its signals are "applied only to nonnegative advantages"), and that of THR, arXiv 2510.03669 (to all).
Differs from what it wraps: the steps of a sequence differ.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.emphasis import Emphasis
from guerdon.credit.emphasis.likelihood_influence import LikelihoodInfluence, _three
from guerdon.credit.emphasis.unchanged import Unchanged
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, Mask
from guerdon.steps import clean
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Emphasised:
    advantage: Advantage = GroupCentred()
    emphasis: Emphasis = Unchanged()
    praise_only: bool = False

    def needs(self) -> frozenset[str]:
        return needs(self.advantage) | (needs(self.emphasis) - {"advantage"}) | {"mask"}

    def wants(self) -> frozenset[str]:
        return (wants(self.advantage) | wants(self.emphasis)) - self.needs()

    def __call__(self, mask: Mask, **quantities: Tensor) -> BT:
        known = {**quantities, "mask": mask}
        plain = call(self.advantage, known)
        emphasis = call(self.emphasis, {**known, "advantage": plain}).detach()
        if self.praise_only:
            emphasis = torch.where(plain < 0, 1.0, emphasis)
        return clean(plain * emphasis, mask)


_told = {name: value for name, value in _three.items() if name != "advantage"} | {"reward": [2.0, 0.0, 7.0]}
_leaning = LikelihoodInfluence(lean=0.5, threshold=0.0)
witness = (
    Witness(
        Emphasised(GroupCentred(scale=None), _leaning),
        parent=GroupCentred(scale=None),
        given=_told,
        returns=[[1.5, 1.5], [-0.5, -1.5], [0.0, 0.0]],
    ),
    Witness(
        Emphasised(GroupCentred(scale=None), _leaning, praise_only=True),
        parent=Emphasised(GroupCentred(scale=None), _leaning),
        given=_told,
        returns=[[1.5, 1.5], [-1.0, -1.0], [0.0, 0.0]],
    ),
)
limits = (Limit(Emphasised(), equals=GroupCentred(), when="every step counts as it is"),)
