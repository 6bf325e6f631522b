"""Nonzero share: how many of the batch's answers have a reward that is not 0, one number for every group.

    scale = answers with a reward other than 0 / all answers of the batch        [B], without unit; 0 where there are none

Source: the estimator ``gpg`` of verl (``compute_gpg_outcome_advantage``), whose alpha is the batch's size over the number of rewards that
are not 0. The paper's, arXiv 2504.02546, is that of ``LiveShare``; with rewards of 0 and 1 this one is the batch's success rate.
Differs from LiveShare: a group that is always right counts, and the wrong answers of one that is sometimes right do not.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.credit.scales.live_share import LiveShare
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class NonzeroShare:
    per_batch: ClassVar[bool] = True

    def __call__(self, reward: B, group: Group) -> B:
        return (reward != 0).to(reward.dtype).mean().expand(reward.shape).clone() if len(reward) else torch.zeros_like(reward)


witness = Witness(NonzeroShare(), parent=LiveShare(), given={"reward": [0.0, 1.0, 1.0, 1.0], "group": [0, 0, 1, 1]}, returns=[0.75] * 4)


def admissible(inputs: dict) -> dict:
    """Random inputs that show the part: rewards of 0 and 1."""
    return inputs | {"reward": (inputs["reward"] > 0).double()}
