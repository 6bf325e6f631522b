"""Duration-weighted: another advantage, times how long the world took over each action, as a multiple of what it takes on average.

    advantage = x * duration / mean duration        x: what ``advantage`` returns; the mean over the acted steps of the batch; [B, T], in units of x

Where many actors work and one learns from whatever has come in, quick actions come in first, and what is slow is learned from seldom. ``duration`` says how long the action that
a step belongs to took. Where nothing took any time, 0.

What it changes: at a policy that stands still, actions come in as often as they are taken, however long they take (renewal), so that the weighted gradient is no longer that of
the mean reward; with an advantage that is centred it points uphill all the same where there are two actions, but slow ones count for more.

Source: Reinforcement Learning for Machine Learning Engineering Agents, arXiv 2509.01684: duration-aware gradients, rescaled by the mean duration of the batch.
Differs from what it wraps: steps of slow actions count more, those of quick ones less.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, Mask
from guerdon.steps import clean, divided
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class DurationWeighted:
    per_batch: ClassVar[bool] = True

    advantage: Advantage = GroupCentred()

    def needs(self) -> frozenset[str]:
        return needs(self.advantage) | {"duration", "mask"}

    def wants(self) -> frozenset[str]:
        return wants(self.advantage)

    def __call__(self, duration: BT, mask: Mask, **quantities: Tensor) -> BT:
        found = call(self.advantage, {**quantities, "duration": duration, "mask": mask})
        taken = clean(duration, mask).clamp(min=0)
        return clean(divided(found * taken, (taken.sum() / mask.sum().clamp(min=1)).expand_as(taken)), mask)


_two = {"reward": [0.0, 2.0], "group": [0, 0], "mask": [[1, 1], [1, 0]], "duration": [[1.0, 3.0], [2.0, 9.0]]}  # 2 on average
witness = (
    Witness(
        DurationWeighted(GroupCentred(scale=None)),
        parent=GroupCentred(scale=None),
        given=_two,
        returns=[[-0.5, -1.5], [1.0, 0.0]],
    ),
)


def _alike(inputs: dict) -> dict:
    return inputs | {"duration": torch.full(inputs["mask"].shape, 3.0, dtype=torch.float64)}


limits = (Limit(DurationWeighted(), equals=GroupCentred(), when="all actions take as long", under=_alike),)
