"""Group average: the mean reward of one prompt, its success rate.

    scale = mean reward of the group + epsilon, and 0 where that mean is 0 or less        [B], in units of reward

Centred and divided by it, the rewards 0 and 1 of a group of n give an unbiased estimate of the gradient of the sum over k = 1 .. n - 1 of
pass@k / k: the series of which log p is the limit. A prompt that is solved with probability p weighs 1 / p as much, so that hard prompts
are not given up.

Source: MaxRL, arXiv 2602.02710 (without the baseline the sum goes up to n; with it, as in the algorithm there, a group without a right
answer says nothing, and the last term goes); ``epsilon`` 0: prime-rl's ``max_rl``. The authors' code and SkyRL's ``maxrl`` have 1e-6.
Differs from GroupDeviation: of a prompt that is always solved the divisor is 1, not 0. Invalid for rewards below 0: refused.
"""

from dataclasses import dataclass

import torch

from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.errors import InputError
from guerdon.quantities import B, Group
from guerdon.steps import group_mean
from guerdon.witness import Witness


@dataclass(frozen=True)
class GroupAverage:
    epsilon: float = 0.0

    def __call__(self, reward: B, group: Group) -> B:
        if (reward < -1e-6).any():
            raise InputError(
                "GroupAverage reads the mean reward of a prompt as how often it is solved, but a reward of this batch is below 0: use rewards of 0 and more "
                "(penalties of the reward are kept apart by penalties_apart), or another scale"
            )
        mean = group_mean(reward, group)
        return torch.where(mean > 0, mean + self.epsilon, torch.zeros_like(mean))


_three_groups = {"reward": [0.0, 1.0, 1.0, 1.0, 0.0, 0.0], "group": [0, 0, 1, 1, 2, 2]}
witness = (
    Witness(GroupAverage(), parent=GroupDeviation(), given=_three_groups, returns=[0.5, 0.5, 1.0, 1.0, 0.0, 0.0]),
    Witness(GroupAverage(epsilon=0.5), parent=GroupAverage(), given=_three_groups, returns=[1.0, 1.0, 1.5, 1.5, 0.0, 0.0]),
)


def admissible(inputs: dict) -> dict:
    """Random inputs to which the part applies: rewards of 0 and more."""
    return inputs | {"reward": inputs["reward"].abs()}
