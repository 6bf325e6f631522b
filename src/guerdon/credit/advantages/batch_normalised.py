"""Batch-normalised: another advantage, with mean 0 and deviation 1 over all acted steps of the batch.

    advantage = (x - mean of x) / (std of x + epsilon)        x: what ``advantage`` returns; over acted steps; [B, T], without unit

``BatchNormalised()`` is REINFORCE++: the return to go (with a penalty in the reward, as that paper has it, it differs from step to step).
``BatchNormalised(GroupCentred(None))`` is REINFORCE++ with baseline; ``BatchNormalised(GAE())`` is PPO as usually written.

Source: REINFORCE++, arXiv 2501.03262, the section on global advantage normalisation, which has no ``epsilon``: 1e-8 is ours. The
population's deviation as in the authors' OpenRLHF, which keeps the variance above 1e-8 instead. Where all steps have the same x the result is 0.
Differs from what it wraps: shifted by the batch's mean, so that without a baseline inside, about half of all steps are blamed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, Mask
from guerdon.steps import clean, divided, root
from guerdon.witness import Witness


@dataclass(frozen=True)
class BatchNormalised:
    per_batch: ClassVar[bool] = True

    advantage: Advantage = ReturnToGo()
    epsilon: float = 1e-8

    def needs(self) -> frozenset[str]:
        return needs(self.advantage) | {"mask"}

    def wants(self) -> frozenset[str]:
        return wants(self.advantage)

    def __call__(self, mask: Mask, **quantities: Tensor) -> BT:
        return normalised(call(self.advantage, _with_mask(quantities, mask)), mask, self.epsilon)


def _with_mask(quantities: Mapping[str, Tensor], mask: Mask) -> dict[str, Tensor]:
    return {**quantities, "mask": mask}


def normalised(x: BT, mask: Mask, epsilon: float) -> BT:
    """``x`` with mean 0 and deviation 1 where ``mask`` is true; 0 throughout if it is the same everywhere."""
    count = mask.sum().clamp(min=1)
    centred = clean(x - clean(x, mask).sum() / count, mask)
    deviation = root(centred.square().sum() / count)
    tiny = 1e-6 * clean(x, mask).abs().sum() / count  # rounding noise of equal numbers is not spread
    return divided(centred, torch.where(deviation > tiny, deviation + epsilon, torch.zeros_like(deviation)))


witness = (
    Witness(  # returns 4, 4 and 1: mean 3, deviation sqrt 2
        BatchNormalised(epsilon=0.0),
        parent=ReturnToGo(),
        given={"step_reward": [[0.0, 4.0], [1.0, 9.0]], "mask": [[1, 1], [1, 0]]},
        returns=[[0.5**0.5, 0.5**0.5], [-(2.0**0.5), 0.0]],
    ),
    Witness(
        BatchNormalised(GroupCentred(scale=None), epsilon=1.0),
        parent=BatchNormalised(GroupCentred(scale=None), epsilon=0.0),
        given={"reward": [0.0, 2.0], "group": [0, 0], "mask": [[1], [1]]},
        returns=[[-0.5], [0.5]],
    ),
)
