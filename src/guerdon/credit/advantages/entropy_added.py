"""Entropy added: what was done where the policy was uncertain counts as a little better, as long as that does not turn blame into praise.

    advantage_t = A_t + min(alpha * proximal_entropy_t, |A_t| / kappa)        [B, T], A by ``advantage``

The entropy is that of the policy before the first gradient step on the batch, a number and nothing that is pushed up itself. With ``kappa`` above 1 no sign changes, and where A
is 0 nothing is added.

Source: Reasoning with Exploration, Cheng et al. 2025, arXiv 2506.14758: abstract and summaries (the clipped, detached entropy term). ``alpha`` 0.4 and ``kappa`` 2: as summaries
of its experiments with GRPO have them.
Differs from GroupCentred: steps of one answer differ. From the penalty ``entropy``: no gradient raises the entropy.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.errors import InputError
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, Mask
from guerdon.steps import clean
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class EntropyAdded:
    advantage: Advantage = GroupCentred()
    alpha: float = 0.4
    kappa: float = 2.0

    def __post_init__(self) -> None:
        if self.kappa <= 0:
            raise InputError(f"entropy_added.kappa is {self.kappa}; give a number above 0, and above 1 so that blame stays blame")

    def needs(self) -> frozenset[str]:
        return needs(self.advantage) | {"proximal_entropy", "mask"}

    def wants(self) -> frozenset[str]:
        return wants(self.advantage)

    def __call__(self, proximal_entropy: BT, mask: Mask, **quantities: Tensor) -> BT:
        plain = call(self.advantage, {**quantities, "proximal_entropy": proximal_entropy, "mask": mask})
        return plain + clean(torch.minimum(self.alpha * proximal_entropy.detach(), plain.abs() / self.kappa), mask)


_group = {"reward": [3.0, 1.0], "group": [0, 0], "mask": [[1, 1], [1, 0]], "proximal_entropy": [[0.5, 2.0], [2.0, 7.0]]}  # A = 1 and -1
_plain = GroupCentred(scale=None)
witness = (
    Witness(EntropyAdded(_plain), parent=_plain, given=_group, returns=[[1.2, 1.5], [-0.5, 0.0]]),
    Witness(EntropyAdded(_plain, alpha=0.1), parent=EntropyAdded(_plain), given=_group, returns=[[1.05, 1.2], [-0.8, 0.0]]),
    Witness(EntropyAdded(_plain, kappa=4.0), parent=EntropyAdded(_plain), given=_group, returns=[[1.2, 1.25], [-0.75, 0.0]]),
)
limits = (Limit(EntropyAdded(alpha=0.0), equals=GroupCentred(), when="nothing is added for uncertainty"),)
