"""Batch deviation: the standard deviation of all rewards of the batch, one number for every group.

    scale = std(reward over the batch, unbiased) + epsilon, and 0 where all rewards of the batch are equal        [B], in units of reward

With the group-centred advantage it is Lite-PPO: a group that is nearly always right or wrong is not blown up by its own small deviation.

Source: Lite-PPO, arXiv 2508.08221: the mean of the group and the deviation of the batch's rewards, where its batch-level normalisation
takes the deviation of the raw rewards of all N x K responses. Whether rewards are centred by group first is left open there; the raw
rewards, the unbiased estimator and ``epsilon`` 1e-4 are TRL's reading of it (``scale_rewards="batch"``) too.
Differs from GroupDeviation: the spread between prompts counts as well, and depends on what else is in the batch.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.quantities import B, Group
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class BatchDeviation:
    per_batch: ClassVar[bool] = True

    epsilon: float = 1e-4

    def __call__(self, reward: B, group: Group) -> B:
        return GroupDeviation(self.epsilon)(reward, torch.zeros_like(group))


witness = (
    Witness(  # mean 3, squared deviations 9 + 1 + 4 + 4, three degrees of freedom
        BatchDeviation(epsilon=0.0),
        parent=GroupDeviation(epsilon=0.0),
        given={"reward": [0.0, 2.0, 5.0, 5.0], "group": [0, 0, 1, 1]},
        returns=[6.0**0.5] * 4,
    ),
    Witness(
        BatchDeviation(epsilon=1.0),
        parent=BatchDeviation(epsilon=0.0),
        given={"reward": [0.0, 2.0], "group": [0, 1]},
        returns=[2.0**0.5 + 1.0] * 2,
    ),
)


def _one_group(inputs: dict) -> dict:
    return inputs | {"group": torch.zeros_like(inputs["group"])}


limits = (Limit(BatchDeviation(), equals=GroupDeviation(), when="the batch is one group", under=_one_group),)
