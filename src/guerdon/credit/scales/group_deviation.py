"""Group deviation: the standard deviation of the rewards of one prompt.

    scale = std(reward over the group) + epsilon, and 0 where the group's rewards are all equal        [B], in units of reward

Source: GRPO, DeepSeekMath, arXiv 2402.03300, section 4.1.2. The paper leaves the estimator open; dividing by n - ``correction`` with
``correction`` 1 (unbiased variance) and ``epsilon`` 1e-4 are TRL's choices. ``correction`` 0 is the population's deviation, which for
rewards of 0 and 1 is sqrt(p (1 - p)).
"""

from dataclasses import dataclass

import torch

from guerdon.quantities import B, Group
from guerdon.steps import group_mean, group_size, group_sum, root
from guerdon.witness import Witness


@dataclass(frozen=True)
class GroupDeviation:
    epsilon: float = 1e-4
    correction: int = 1

    def __call__(self, reward: B, group: Group) -> B:
        centred = reward - group_mean(reward, group)
        freedom = (group_size(group) - self.correction).clamp(min=1)
        deviation = root(group_sum(centred**2, group) / freedom)
        tiny = 1e-6 * group_mean(reward.abs(), group)  # rounding noise of equal rewards is not spread
        return torch.where(deviation > tiny, deviation + self.epsilon, torch.zeros_like(deviation))


_two_groups = {"reward": [0.0, 2.0, 5.0, 5.0], "group": [0, 0, 1, 1]}
witness = (
    Witness(GroupDeviation(epsilon=0.0), given=_two_groups, returns=[2.0**0.5, 2.0**0.5, 0.0, 0.0]),
    Witness(GroupDeviation(epsilon=0.5), parent=GroupDeviation(epsilon=0.0), given=_two_groups, returns=[2.0**0.5 + 0.5] * 2 + [0.0, 0.0]),
    Witness(
        GroupDeviation(epsilon=0.0, correction=0),
        parent=GroupDeviation(epsilon=0.0),
        given=_two_groups,
        returns=[1.0, 1.0, 0.0, 0.0],
    ),
)
