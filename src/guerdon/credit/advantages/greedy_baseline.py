"""Greedy baseline: how much better than the policy's most likely answer to the same prompt.

    advantage = reward - reward of the group's greedy sequence        the same number at each acted step; [B, T], in units of reward

The greedy answer is known before anything is drawn, so that as a baseline it costs no bias. Where it has no reward (it failed), the group
says nothing: 0. Of the greedy sequence itself the advantage is 0; so that averages do not count it, ``recipe.learned: [drawn]`` leaves it
out. What is read is the quantity ``greedy`` of ``acting.samplers.beside_greedy``. With a penalty in the reward its part of it is compared
as well; ReMax's authors compare the outcomes alone: ``PenaltiesApart(GreedyBaseline())``.

Source: ReMax, arXiv 2310.10505, and its authors' code (``remax_trainer.py``).
Differs from LeaveOneOut: compared with one answer that chance has no part in, not with the mean of several that were drawn.
"""

from dataclasses import dataclass

import torch

from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.quantities import BT, B, Group, Mask
from guerdon.steps import divided, group_sum, spread
from guerdon.witness import Witness


@dataclass(frozen=True)
class GreedyBaseline:
    def __call__(self, reward: B, greedy: B, group: Group, mask: Mask) -> BT:
        chosen = greedy.bool()
        count = group_sum(chosen.to(reward.dtype), group)
        baseline = divided(group_sum(torch.where(chosen, reward, 0.0), group), count)
        return spread(torch.where((count == 0) | chosen, torch.zeros_like(reward), reward - baseline), mask)


witness = Witness(
    GreedyBaseline(),
    parent=LeaveOneOut(),
    given={
        "reward": [0.0, 3.0, 1.0, 5.0],
        "greedy": [0.0, 0.0, 1.0, 0.0],
        "group": [0, 0, 0, 1],
        "mask": [[1, 1], [1, 0], [1, 1], [1, 1]],
    },
    returns=[[-1.0, -1.0], [2.0, 0.0], [0.0, 0.0], [0.0, 0.0]],
)
