"""Others' deviation: the standard deviation of the rewards of the group's other members, a number for each answer.

    scale = std(rewards of the others, unbiased) + epsilon, and 1 where the others' are all equal        [B], in units of reward

Beside the mean of the others as the baseline, neither depends on the answer that is judged, so that the policy gradient keeps its direction
in expectation. An answer that alone differs from the others has nothing to be divided by: it is left as it is, where a small deviation
would blow it up. So is one of a pair.

Source: the normalised GRPO of NeMo-RL with a leave-one-out baseline, which is its default: ``calculate_baseline_and_std_per_prompt`` and
``GRPOAdvantageEstimator``; ``epsilon`` 1e-6: there.
Differs from GroupDeviation: leaves the answer itself out.
"""

from dataclasses import dataclass

import torch

from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.quantities import B, Group
from guerdon.steps import group_mean, group_size, group_sum, root
from guerdon.witness import Witness


@dataclass(frozen=True)
class OthersDeviation:
    epsilon: float = 1e-6

    def __call__(self, reward: B, group: Group) -> B:
        centre = group_mean(reward, group)  # of all, so that squares do not cancel
        x, others = reward - centre, (group_size(group) - 1).to(reward.dtype)
        squares, total = group_sum(x**2, group) - x**2, group_sum(x, group) - x
        freedom = (others - 1).clamp(min=1)
        deviation = root((squares - total**2 / others.clamp(min=1)) / freedom)
        tiny = 1e-6 * group_mean(reward.abs(), group)  # rounding noise of equal rewards is not spread
        return torch.where((deviation > tiny) & (others > 1), deviation + self.epsilon, torch.ones_like(deviation))


witness = (
    Witness(  # the others of 0 are 2 and 4, those of 2 are 0 and 4, those of 4 are 0 and 2
        OthersDeviation(epsilon=0.0),
        parent=GroupDeviation(epsilon=0.0),
        given={"reward": [0.0, 2.0, 4.0, 1.0, 0.0, 0.0, 7.0, 5.0], "group": [0, 0, 0, 1, 1, 1, 2, 2]},
        returns=[2.0**0.5, 8.0**0.5, 2.0**0.5, 1.0, 0.5**0.5, 0.5**0.5, 1.0, 1.0],
    ),
    Witness(
        OthersDeviation(epsilon=1.0),
        parent=OthersDeviation(),
        given={"reward": [0.0, 2.0, 4.0], "group": [0, 0, 0]},
        returns=[2.0**0.5 + 1, 8.0**0.5 + 1, 2.0**0.5 + 1],
    ),
)
