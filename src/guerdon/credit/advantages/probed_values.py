"""Probed values: what is still to be earned, estimated where it is asked by drawing on from there.

    V(s_k)    = mean reward of the sequences that were forked off this one before step k;   V(s_0): of those, and of the group's other chains
    advantage = V(s_next) - V(s_k) at the acted steps between two forks, reward - V(s_last) after the last        [B, T], in units of reward

Chains are learned from (``forked`` is -1); what was forked off them only says what they were worth, and gets 0. At the border of two segments both values are the same
estimate, so a segment is credited with what it changed. Chains of which nothing is known at their start, in a group of one without a fork there, are compared with 0.

Unbiased where forks do not depend on what is drawn after them: no chain has a part in its own values.

Source: VinePPO, arXiv 2410.01679, with values at the beginnings of reasoning steps; SPO-chain, arXiv 2505.23564, at the borders of segments; over K = 9
draws each in both.
Differs from SegmentGAE: no critic, and no bootstrapping. LeaveOneOut where nothing was forked.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.advantages._tries import pieces_of
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.quantities import BT, B, Group, Mask, Segment
from guerdon.steps import clean
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class ProbedValues:
    def __call__(self, reward: B, node: Segment, forked: Group, group: Group, mask: Mask) -> BT:
        piece = pieces_of(node, group, mask)
        out = torch.zeros(mask.shape, dtype=reward.dtype, device=reward.device)
        for row in (forked < 0).nonzero().flatten().tolist():
            mates = (group == group[row]).nonzero().flatten()
            values = _values(row, mates[mates != row], reward, piece, forked, mask)
            places = sorted(values)
            for place, until in zip(places, [*places[1:], mask.shape[1]], strict=True):
                out[row, place:until] = values.get(until, reward[row]) - values[place]
        return clean(out, mask)


def _values(row: int, mates: Tensor, reward: B, piece: Tensor, forked: Group, mask: Mask) -> dict[int, Tensor]:
    """What the row was worth before each step at which it is known."""
    steps = torch.arange(mask.shape[1], device=mask.device)
    behind: dict[int, list[Tensor]] = {0: []}
    for other in mates.tolist():
        step = int(forked[other])
        acted = (mask[row] & (steps < step)).nonzero().flatten()
        if step <= 0 or len(acted) == 0:
            if step <= 0 or not (mask[other] & (steps < step)).any():
                behind[0].append(reward[other])
        elif piece[other, acted[-1]] == piece[row, acted[-1]]:
            behind.setdefault(step, []).append(reward[other])
    return {step: torch.stack(found).mean() if found else torch.zeros_like(reward[row]) for step, found in behind.items()}


_probed = {  # a chain, two sequences that were forked off it before its second step, one before its first; another chain
    "reward": [4.0, 1.0, 2.0, 3.0, 5.0],
    "node": [[0, 1, 1], [0, 2, 2], [0, 3, 0], [4, 4, 4], [5, 5, 0]],
    "forked": [-1, 1, 1, 0, -1],
    "group": [0, 0, 0, 0, 0],
    "mask": [[1, 1, 1], [1, 1, 1], [1, 1, 0], [1, 1, 1], [1, 1, 0]],
}
witness = (
    Witness(
        ProbedValues(),
        parent=LeaveOneOut(),
        given=_probed,
        returns=[[1.5 - 4.0, 2.5, 2.5], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [5.0 - 3.5, 1.5, 0.0]],
    ),
    Witness(  # nobody else
        ProbedValues(),
        parent=LeaveOneOut(),
        given={"reward": [2.0], "node": [[0, 0]], "forked": [-1], "group": [0], "mask": [[1, 1]]},
        returns=[[2.0, 2.0]],
    ),
)


def _no_forks(inputs: dict) -> dict:
    rows, steps = inputs["mask"].shape
    return inputs | {"node": torch.arange(rows).unsqueeze(-1).expand(rows, steps).clone(), "forked": torch.full((rows,), -1)}


limits = (Limit(ProbedValues(), equals=LeaveOneOut(), when="nothing was forked", under=_no_forks),)
