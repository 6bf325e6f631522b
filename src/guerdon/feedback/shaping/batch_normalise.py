"""Batch normalise: the reward in deviations from the mean of the whole batch.

    reward -> (reward - mean of the batch) / (std of the batch + epsilon)        [B]; 0 where all rewards are equal

The deviation is unbiased (n - 1).

Source: reward normalisation by the statistics of the batch, as in REINFORCE++, arXiv 2501.03262 (of advantages there);
``epsilon`` 1e-4: TRL's, when rewards are scaled by batch.
Differs from GroupNormalise: an easy prompt keeps its high rewards.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.feedback.shaping.group_normalise import GroupNormalise
from guerdon.quantities import B
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class BatchNormalise:
    per_batch: ClassVar[bool] = True

    epsilon: float = 1e-4

    def __call__(self, reward: B) -> B:
        if len(reward) < 2:
            return torch.zeros_like(reward)
        centred = reward - reward.mean()
        deviation = reward.std()
        return centred / (deviation + self.epsilon) if deviation > 1e-6 * reward.abs().mean() else torch.zeros_like(reward)


def _one_group(inputs: dict) -> dict:
    return inputs | {"group": torch.zeros_like(inputs["group"])}


witness = Witness(  # mean 3, squares 9 + 1 + 4 + 4 over 3: variance 6
    BatchNormalise(epsilon=0.0),
    parent=GroupNormalise(epsilon=0.0),
    given={"reward": [0.0, 2.0, 5.0, 5.0], "group": [0, 0, 1, 1]},
    returns=[-3 / 6**0.5, -1 / 6**0.5, 2 / 6**0.5, 2 / 6**0.5],
)
limits = (Limit(BatchNormalise(), equals=GroupNormalise(), when="all sequences are of one group", under=_one_group),)
