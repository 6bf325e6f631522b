"""Group normalise: the reward in deviations from the mean of its group.

    reward -> (reward - mean of the group) / (std of the group + epsilon)        [B]; 0 where the group's rewards are all equal

The deviation is unbiased (n - 1). As a shaping rule it can be applied to one component before components are combined, so that each
is put on the same scale first.

Source: the group normalisation of GRPO, DeepSeekMath, arXiv 2402.03300, section 4.1.2 (a step of credit there); before combining:
GDPO, arXiv 2601.05242. ``epsilon`` 1e-4 and the unbiased deviation: TRL.
Differs from Clip: relative to the other answers to the same prompt.
"""

from dataclasses import dataclass

import torch

from guerdon.feedback.shaping.clip import Clip
from guerdon.quantities import B, Group
from guerdon.steps import divided, group_mean, group_size, group_sum, root
from guerdon.witness import Witness


@dataclass(frozen=True)
class GroupNormalise:
    epsilon: float = 1e-4

    def __call__(self, reward: B, group: Group) -> B:
        centred = reward - group_mean(reward, group)
        freedom = (group_size(group) - 1).clamp(min=1)
        deviation = root(group_sum(centred**2, group) / freedom)
        spread = deviation > 1e-6 * group_mean(reward.abs(), group)  # the rounding noise of equal rewards is no spread
        return divided(centred, torch.where(spread, deviation + self.epsilon, torch.zeros_like(deviation)))


witness = (
    Witness(  # deviations sqrt(2) and 0
        GroupNormalise(epsilon=0.0),
        parent=Clip(),
        given={"reward": [0.0, 2.0, 5.0, 5.0], "group": [0, 0, 1, 1]},
        returns=[-(0.5**0.5), 0.5**0.5, 0.0, 0.0],
    ),
    Witness(  # mean 2, squares 4 + 0 + 4 over 2: deviation 2
        GroupNormalise(epsilon=2.0),
        parent=GroupNormalise(),
        given={"reward": [0.0, 2.0, 4.0], "group": [0, 0, 0]},
        returns=[-0.5, 0.0, 0.5],
    ),
)
