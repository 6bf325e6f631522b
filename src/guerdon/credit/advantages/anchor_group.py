"""Anchor group: a turn is compared with what others of its group did in the same state, and the whole answer with theirs.

    G_k = sum over turns j >= k of gamma^(j - k) * (step_reward of turn j)        the discounted return of turn k
    advantage = A(reward) over the group + weight * A(G_k) over the turns of the group that begin in the same state        the same at all steps of a turn; [B, T]
    A(x) = (x - mean of those compared) / scale of them;  0 for who is compared with nobody

``segment`` is to say turns (``segments: turns``), ``states`` which of them begin alike. A state that is come by twice counts twice. ``each_turn``: the group's mean is over
turns, so that the reward of a long answer counts more, as in the authors' code.

Source: GiGPO, arXiv 2505.10978, eqs. 3, 5 to 8, and its authors' code, ``core_gigpo.py``: ``gamma`` 0.95 and ``weight`` 1 are theirs; no scale ("mean_norm") or the
group's deviation ("mean_std_norm"). There who is alone in its group keeps its reward as its advantage; here it says nothing.
Differs from GroupCentred: what follows a good turn of a bad answer is not blamed on it. Differs from PrefixDifference: a state may be come to by several ways.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.segment_gae import per_piece, pieces
from guerdon.credit.scales import Scale
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.credit.states import States
from guerdon.credit.states.last_told import LastTold
from guerdon.credit.states.so_far import SoFar
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, B, Group, Mask, Segment
from guerdon.steps import clean, divided, group_mean, group_size, spread
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class AnchorGroup:
    members: ClassVar[int] = 2

    states: States = LastTold()
    weight: float = 1.0
    gamma: float = 0.95
    scale: Scale | None = None
    each_turn: bool = False

    def needs(self) -> frozenset[str]:
        return needs(self.states) | {"segment", "step_reward", "reward", "group", "mask"}

    def wants(self) -> frozenset[str]:
        return wants(self.states)

    def __call__(self, segment: Segment, step_reward: BT, reward: B, group: Group, mask: Mask, **quantities: Tensor) -> BT:
        if not mask.any():
            return torch.zeros_like(step_reward)
        state = call(self.states, {**quantities, "mask": mask, "group": group, "segment": segment})
        index, place = pieces(segment, mask)
        earned = per_piece(clean(step_reward, mask), index)
        there = per_piece(mask.to(earned.dtype), index) > 0
        following, returns = torch.zeros_like(earned[:, 0]), []
        for k in reversed(range(earned.shape[1])):
            following = torch.where(there[:, k], earned[:, k] + self.gamma * following, following)
            returns.append(following)
        returned = torch.stack(returns[::-1], 1)
        begins = (torch.arange(mask.shape[1], device=mask.device).expand(mask.shape) * (place == 0)).long()
        first = torch.zeros_like(index).scatter_add(-1, index, begins)  # where each turn begins
        members = group.unsqueeze(-1).expand(mask.shape)[there]
        alike = torch.stack([members, state.gather(-1, first)[there]], -1)
        anchor = torch.unique(alike, dim=0, return_inverse=True)[1]
        turn = torch.zeros_like(earned)
        turn[there] = self._compared(returned[there], anchor)
        if self.each_turn:
            whole = torch.zeros_like(earned)
            whole[there] = self._compared(reward.unsqueeze(-1).expand(mask.shape)[there], members)
            whole = clean(whole.gather(-1, index), mask)
        else:
            whole = spread(self._compared(reward, group), mask)
        return whole + self.weight * clean(turn.gather(-1, index), mask)

    def _compared(self, value: Tensor, group: Group) -> Tensor:
        centred = torch.where(group_size(group) > 1, value - group_mean(value, group), torch.zeros_like(value))
        return centred if self.scale is None else divided(centred, self.scale(value, group))


_two = {  # the first goes by 7 and wins; the second comes to 7 too, and to 8, and does not; the third never leaves
    "action": [[1, 7, 1, 0, 0], [2, 7, 2, 8, 1], [3, 0, 0, 0, 0]],
    "mask": [[1, 0, 1, 0, 0], [1, 0, 1, 0, 1], [1, 0, 0, 0, 0]],
    "segment": [[0, 0, 1, 0, 0], [0, 0, 1, 0, 2], [0, 0, 0, 0, 0]],
    "step_reward": [[0.0, 0.0, 3.0, 0.0, 0.0], [0.0] * 5, [0.0] * 5],
    "reward": [3.0, 0.0, 0.0],
    "group": [0, 0, 0],
}
witness = (
    Witness(  # 2, -1 and -1; at first 1.5, 0 and 0, at 7 3 and 0, at 8 one alone
        AnchorGroup(gamma=0.5),
        parent=GroupCentred(None),
        given=_two,
        returns=[[3.0, 0.0, 3.5, 0.0, 0.0], [-1.5, 0.0, -2.5, 0.0, -1.0], [-1.5, 0.0, 0.0, 0.0, 0.0]],
    ),
    Witness(
        AnchorGroup(SoFar(), gamma=0.5, weight=2.0),
        parent=AnchorGroup(gamma=0.5, weight=2.0),
        given=_two,
        returns=[[4.0, 0.0, 2.0, 0.0, 0.0], [-2.0, 0.0, -1.0, 0.0, -1.0], [-2.0, 0.0, 0.0, 0.0, 0.0]],
    ),
    Witness(  # of six turns three are of the second, whose reward is 6: a mean of 3, and of 2 over the sequences
        AnchorGroup(gamma=0.5, weight=0.0, each_turn=True),
        parent=AnchorGroup(gamma=0.5, weight=0.0),
        given={**_two, "reward": [0.0, 6.0, 0.0]},
        returns=[[-3.0, 0.0, -3.0, 0.0, 0.0], [3.0, 0.0, 3.0, 0.0, 3.0], [-3.0, 0.0, 0.0, 0.0, 0.0]],
    ),
    Witness(
        AnchorGroup(gamma=0.5, weight=0.0, scale=GroupDeviation(epsilon=0.0, correction=0)),
        parent=AnchorGroup(gamma=0.5, weight=0.0),
        given=_two,
        returns=[[2**0.5, 0.0, 2**0.5, 0.0, 0.0], [-(0.5**0.5), 0.0, -(0.5**0.5), 0.0, -(0.5**0.5)], [-(0.5**0.5), 0.0, 0.0, 0.0, 0.0]],
    ),
)
limits = (Limit(AnchorGroup(weight=0.0), equals=GroupCentred(None), when="what was done in a state is not compared"),)
