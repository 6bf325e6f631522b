"""Live share: how many of the batch's answers are in a group that says anything, one number for every group.

    scale = answers in groups whose rewards are not all equal / all answers of the batch        [B], without unit; 0 where there are none

A group of equal rewards adds nothing to the gradient and still counts in its mean. Divided by the share of the others, the estimate is as
large as if there were only those.

Source: GPG, arXiv 2504.02546: alpha = B / (B - M) of its accurate gradient estimation, with M the answers whose gradient is 0, and F_norm
1.
Differs from GroupDeviation: no group is weighed against another.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class LiveShare:
    per_batch: ClassVar[bool] = True

    def __call__(self, reward: B, group: Group) -> B:
        live = GroupDeviation(epsilon=0.0)(reward, group) > 0
        return live.to(reward.dtype).mean().expand(reward.shape).clone() if len(reward) else torch.zeros_like(reward)


witness = Witness(
    LiveShare(),
    parent=GroupDeviation(),
    given={"reward": [0.0, 1.0, 1.0, 1.0, 0.0, 0.0], "group": [0, 0, 1, 1, 2, 2]},
    returns=[1 / 3] * 6,
)


def admissible(inputs: dict) -> dict:
    """Random inputs that show the part: rewards of 0 and 1, so that some groups are alike."""
    return inputs | {"reward": (inputs["reward"] > 0).double()}
