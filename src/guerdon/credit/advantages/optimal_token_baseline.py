"""Optimal token baseline: a baseline for every step, in which an answer counts by how much its gradient has grown until there.

    energy_t   = sum over acted steps s <= t of (1 - 2 p_s + sum over v of p_v^2)        p: next-step probabilities when the policy acted, p_s of the step taken
    baseline_t = sum of energy_t * return_t / (sum of energy_t + epsilon)                over the answers of the group that reach their t-th acted step
    advantage  = return_t - baseline_t        [B, T], in units of reward; return_t: what is still to come of ``step_reward``

1 - 2 p_s + sum p_v^2 is the squared norm of the gradient of log p_s by the logits, so that the baseline is the one with the least variance
if the gradients of steps are orthogonal. ``zero_tail``: where a single answer is left of its group the baseline is 0, as it would otherwise
be that answer's own return. A group of one says nothing: 0.

Source: arXiv 2602.07078 (the baseline of each step, and the proxy of the gradient's norm); ``epsilon`` 1e-8 and ``zero_tail``: verl
(``optimal_token_baseline``, where it is off, and ``tir_optimal_token_baseline``, where it is on and steps are counted over acted ones, as
here). verl's importance weights in the energy are not offered. The probabilities are the policy's own before its first step on these
rollouts (``proximal_``), as there.
Differs from LengthWeighted: steps are not alike in energy, and a step looks only at what led to it.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.credit.advantages.length_weighted import LengthWeighted
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.quantities import BT, Group, Mask
from guerdon.steps import clean, group_size, group_sum
from guerdon.witness import Witness


@dataclass(frozen=True)
class OptimalTokenBaseline:
    members: ClassVar[int] = 2

    zero_tail: bool = False
    epsilon: float = 1e-8

    def __call__(self, step_reward: BT, proximal_logp: BT, proximal_collision_entropy: BT, group: Group, mask: Mask) -> BT:
        following = ReturnToGo()(step_reward, mask)
        grown = clean(1 - 2 * proximal_logp.exp() + (-proximal_collision_entropy).exp(), mask).cumsum(-1)
        place = mask.cumsum(-1) - 1  # of an acted step among those of its sequence
        at = (torch.unique(group, return_inverse=True)[1].unsqueeze(-1) * mask.shape[1] + place)[mask]
        energy, gain = grown[mask], following[mask]
        baseline = group_sum(energy * gain, at) / (group_sum(energy, at) + self.epsilon)
        if self.zero_tail:
            baseline = torch.where(group_size(at) == 1, torch.zeros_like(baseline), baseline)
        alone = (group_size(group) < self.members).unsqueeze(-1).expand(mask.shape)[mask]
        advantage = torch.zeros_like(following)
        advantage[mask] = torch.where(alone, torch.zeros_like(gain), gain - baseline).to(advantage)
        return advantage


_LN = math.log
_two = {  # energies: 1 - 2/2 + 1/2 = 1/2, then 1; 1 - 2/4 + 1 = 3/2 (a distribution need not be told whole)
    "step_reward": [[0.0, 4.0], [1.0, 9.0]],
    "proximal_logp": [[_LN(0.5), _LN(0.5)], [_LN(0.25), 3.0]],
    "proximal_collision_entropy": [[_LN(2), _LN(2)], [0.0, 3.0]],
    "group": [0, 0],
    "mask": [[1, 1], [1, 0]],
}
witness = (
    Witness(  # first steps: (1/2 * 4 + 3/2 * 1) / 2 = 7/4; the second is alone with its own return
        OptimalTokenBaseline(epsilon=0.0), parent=LengthWeighted(), given=_two, returns=[[2.25, 0.0], [-0.75, 0.0]]
    ),
    Witness(
        OptimalTokenBaseline(zero_tail=True, epsilon=0.0),
        parent=OptimalTokenBaseline(epsilon=0.0),
        given=_two,
        returns=[[2.25, 4.0], [-0.75, 0.0]],
    ),
    Witness(  # 3.5 / 3 and 4 / 2
        OptimalTokenBaseline(epsilon=1.0), parent=OptimalTokenBaseline(), given=_two, returns=[[4 - 3.5 / 3, 2.0], [1 - 3.5 / 3, 0.0]]
    ),
)
