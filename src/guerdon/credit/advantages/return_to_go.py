"""Return to go: all that is still to come, from this step on.

    advantage_t = sum over acted steps s >= t of gamma^(number of acted steps from t to s) * step_reward_s        [B, T], in units of reward

An outcome, which is a dense reward on the last acted step, becomes the same number at each acted step when ``gamma`` is 1. Only acted
steps count as time. There is no baseline.

Source: Williams 1992; Sutton and Barto, Reinforcement Learning, 2nd edition, section 13.3. ``gamma`` 1.0: the horizon of a completion is
finite, and REINFORCE++ (arXiv 2501.03262) does not discount.
"""

from dataclasses import dataclass

import torch

from guerdon.quantities import BT, Mask
from guerdon.steps import along_steps, clean
from guerdon.witness import Witness


@dataclass(frozen=True)
class ReturnToGo:
    gamma: float = 1.0

    def __call__(self, step_reward: BT, mask: Mask) -> BT:
        reward = clean(step_reward, mask)
        following = reward.new_zeros(len(reward))
        returns = []
        for t in reversed(range(mask.shape[1])):
            following = torch.where(mask[:, t], reward[:, t] + self.gamma * following, following)
            returns.append(following)
        return clean(along_steps(returns[::-1], mask), mask)


_gap = {"step_reward": [[1.0, 7.0, 2.0, 4.0]], "mask": [[1, 0, 1, 1]]}
witness = (
    Witness(ReturnToGo(), given=_gap, returns=[[7.0, 0.0, 6.0, 4.0]]),
    Witness(ReturnToGo(gamma=0.5), parent=ReturnToGo(), given=_gap, returns=[[3.0, 0.0, 4.0, 4.0]]),
)
