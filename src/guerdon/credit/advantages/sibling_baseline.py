"""Sibling baseline: a piece of a tree of rollouts against the other draws at the fork at which it began, without bias.

    V(n)      = mean reward of the sequences that share the piece n, each weighed by its share
    advantage = group size * share * (V(n) - mean of V over the other draws at the same fork) / scale        at each acted step of n; [B, T]

A fork is where pieces begin that have the same piece before them, or none. A sequence's ``share`` is 1 / (draws at each fork on its way), so that shares of a prompt sum to 1: with
the mean over sequences of the sum over steps, each piece then counts once for each draw, and the expected gradient of REINFORCE is that of the policy's reward, however uneven the
tree. That takes forks that do not depend on what is drawn after them (``every``, borders of ``every_n``; random ones in sequences of one length); a fork at the most surprising
step of a whole chain looks ahead.

A draw that has no others beside it says nothing: 0. ``scale`` divides by a number of the siblings' values (``credit.scales``): None is unbiased.

Source: SPO-tree, arXiv 2505.23564 (segment advantages within the siblings of a node, over their deviation), in its leave-one-out form, which is ours: the mean of
all of them, as there, is (n - 1) / n of it. The weights are ours too.
Differs from TreeCredit: unbiased, since no piece is compared with itself and none counts for more than it was drawn. LeaveOneOut where nothing is forked.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.credit.advantages._tries import mean_of_each, pieces_of
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.tree_credit import before
from guerdon.credit.scales import Scale
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.quantities import BT, B, Group, Mask, Segment
from guerdon.steps import clean, divided, group_size
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class SiblingBaseline:
    members: ClassVar[int] = 2

    scale: Scale | None = None

    def __call__(self, reward: B, node: Segment, share: B, group: Group, mask: Mask) -> BT:
        piece = pieces_of(node, group, mask)
        value = mean_of_each(reward, piece, share)
        parent = before(piece, piece, -1 - torch.unique(group, return_inverse=True)[1].unsqueeze(-1), mask)
        gained = torch.zeros_like(value)
        drawn = torch.unique(torch.stack([parent[mask], piece[mask]], -1), dim=0)  # every draw once
        worth = torch.zeros(int(piece.max()) + 1 if piece.numel() else 0, dtype=value.dtype, device=value.device)
        worth[piece[mask]] = value[mask]
        lead = LeaveOneOut()(worth[drawn[:, 1]], drawn[:, 0], torch.ones_like(drawn[:, :1], dtype=torch.bool)).squeeze(-1)
        if self.scale is not None:
            lead = divided(lead, self.scale(worth[drawn[:, 1]], drawn[:, 0]))
        of = torch.zeros_like(worth)
        of[drawn[:, 1]] = lead
        gained[mask] = of[piece[mask]]
        return clean(gained * (share * group_size(group)).unsqueeze(-1), mask)


_tree = {  # two chains, of which the first was forked at its second step
    "reward": [4.0, 0.0, 5.0],
    "node": [[0, 1, 1], [0, 2, 0], [3, 3, 3]],
    "share": [0.25, 0.25, 0.5],
    "group": [0, 0, 0],
    "mask": [[1, 1, 1], [1, 1, 0], [1, 0, 1]],
}
witness = (
    Witness(
        SiblingBaseline(),
        parent=LeaveOneOut(),
        given=_tree,
        returns=[[0.75 * -3.0, 3.0, 3.0], [0.75 * -3.0, -3.0, 0.0], [4.5, 0.0, 4.5]],  # 2 - 5; 4 - 0; 5 - 2, times 3/4, 3/4 and 3/2
    ),
    Witness(
        SiblingBaseline(),
        parent=LeaveOneOut(),
        given={**_tree, "share": [0.125, 0.375, 0.5]},
        returns=[[3 / 8 * -4.0, 3 / 8 * 4.0, 3 / 8 * 4.0], [9 / 8 * -4.0, 9 / 8 * -4.0, 0.0], [6.0, 0.0, 6.0]],  # 1 - 5 and 5 - 1
    ),
    Witness(
        SiblingBaseline(scale=GroupDeviation(epsilon=0.0, correction=0)),
        parent=SiblingBaseline(),
        given=_tree,
        returns=[[0.75 * -2.0, 1.5, 1.5], [0.75 * -2.0, -1.5, 0.0], [3.0, 0.0, 3.0]],  # of two, the deviation is half the difference
    ),
)


def _no_forks(inputs: dict) -> dict:
    rows, steps = inputs["mask"].shape
    return inputs | {
        "node": torch.arange(rows).unsqueeze(-1).expand(rows, steps).clone(),
        "share": torch.full((rows,), 0.5, dtype=torch.float64),
    }


limits = (Limit(SiblingBaseline(), equals=LeaveOneOut(), when="nothing is forked, in pairs", under=_no_forks),)
