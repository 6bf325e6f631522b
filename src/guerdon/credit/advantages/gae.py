"""GAE: the return to go against a critic's estimate, with an exponentially weighted horizon between one step and all of them.

    delta_t     = step_reward_t + gamma * old_value_(t+1) - old_value_t
    advantage_t = delta_t + gamma * lam * advantage_(t+1)        [B, T], in units of reward

``t + 1`` is the next *acted* step: tool output and padding take no time. After the last acted step the value is 0. ``old_value`` is the
critic before the update, so that the advantage stays fixed while the critic learns on the same batch.

Source: GAE, arXiv 1506.02438, eq. 16. ``gamma`` 1.0 and ``lam`` 0.95: the code of Ziegler et al. 2019, arXiv 1909.08593, and
most PPO of language models since.
Differs from ReturnToGo: a critic's bias is traded for variance. ``lam`` 1 is the return minus the value, ``lam`` 0 the one-step residual.
A sequence that was cut off by the length limit is treated as ended: nothing estimates what would have followed.
"""

from dataclasses import dataclass

import torch

from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.quantities import BT, B, Mask
from guerdon.steps import along_steps, clean
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class GAE:
    gamma: float = 1.0
    lam: float = 0.95

    def __call__(self, step_reward: BT, old_value: BT, mask: Mask) -> BT:
        return generalised(step_reward, old_value, mask, self.gamma, self.lam)


def generalised(step_reward: BT, old_value: BT, mask: Mask, gamma: float, lam: float | B) -> BT:
    """The advantages; ``lam`` is one number, or one for each sequence."""
    reward, value = clean(step_reward, mask), clean(old_value, mask)
    next_value = advantage = value.new_zeros(len(value))
    advantages = []
    for t in reversed(range(mask.shape[1])):
        delta = reward[:, t] + gamma * next_value - value[:, t]
        advantage = torch.where(mask[:, t], delta + gamma * lam * advantage, advantage)
        next_value = torch.where(mask[:, t], value[:, t], next_value)
        advantages.append(advantage)
    return clean(along_steps(advantages[::-1], mask), mask)


_gap = {"step_reward": [[0.0, 9.0, 0.0, 4.0]], "old_value": [[1.0, 9.0, 2.0, 2.0]], "mask": [[1, 0, 1, 1]]}
witness = (
    Witness(  # residuals 1, 0 and 2; the middle ones discounted by 1/2
        GAE(gamma=1.0, lam=0.5), parent=ReturnToGo(), given=_gap, returns=[[1.5, 0.0, 1.0, 2.0]]
    ),
    Witness(  # residuals 0, -1 and 2, nothing beyond them
        GAE(gamma=0.5, lam=0.0), parent=GAE(gamma=1.0, lam=0.0), given=_gap, returns=[[0.0, 0.0, -1.0, 2.0]]
    ),
)


def _no_value(inputs: dict) -> dict:
    return inputs | {"old_value": torch.zeros_like(inputs["old_value"])}


limits = (Limit(GAE(gamma=0.9, lam=1.0), equals=ReturnToGo(gamma=0.9), when="lam is 1 and the critic says 0", under=_no_value),)
