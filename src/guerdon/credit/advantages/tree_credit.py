"""Tree credit: a piece of a tree of rollouts is worth what the leaves behind it earned, against the whole tree and against the piece before it.

    V(n) = mean reward of the sequences that share the piece n;   V(root): of the whole group
    advantage = (overall * (V(n) - V(root)) + local * (V(n) - V(parent of n))) / |leaves behind n|^power        at each acted step of n; [B, T], in units of reward

``node`` says the pieces, as a sampler that forks records them (``acting.samplers.forking``). Every leaf is learned from with all of its way, so that the steps that many
leaves share are learned from many times: ``power`` takes that back, 1 altogether and 1/2 in part.

Source: TreeRL, arXiv 2506.11902: global and local advantage, and the square root; ``overall`` and ``local`` 1, ``power`` 0.5. Its code takes the mean of the
other leaves off each reward first, which multiplies everything by n / (n - 1), and divides each value by the root of its own leaves before one is taken from the other.
Differs from PrefixDifference: the tree is the sampler's, so that ways that happen to begin alike stay apart, and all steps of a piece get what its first one would.
Not unbiased: pieces are compared with a mean that they are part of, and leaves count alike however they were forked; ``sibling_baseline`` is.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.credit.advantages._tries import count_of_each, mean_of_each, pieces_of
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.quantities import BT, B, Group, Mask, Segment
from guerdon.steps import clean, group_mean
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class TreeCredit:
    members: ClassVar[int] = 2

    overall: float = 1.0
    local: float = 1.0
    power: float = 0.5

    def __call__(self, reward: B, node: Segment, group: Group, mask: Mask) -> BT:
        piece = pieces_of(node, group, mask)
        value = mean_of_each(reward, piece)
        whole = group_mean(reward, group).unsqueeze(-1)
        gained = self.overall * (value - whole) + self.local * (value - before(value, piece, whole, mask))
        return clean(gained / count_of_each(piece).to(gained.dtype) ** self.power, mask)


def before(value: BT, piece: Tensor, first: BT, mask: Mask) -> BT:
    """[B, T], what ``value`` was of the piece before; ``first`` [B, 1] for a sequence's first piece."""
    current, previous = first.squeeze(-1), first.squeeze(-1)
    own = torch.full_like(piece[:, 0], -1) if piece.shape[1] else piece.new_zeros(len(piece))
    out = []
    for t in range(piece.shape[1]):
        new = mask[:, t] & (piece[:, t] != own)
        previous = torch.where(new, current, previous)
        current = torch.where(new, value[:, t], current)
        own = torch.where(new, piece[:, t], own)
        out.append(previous)
    return torch.stack(out, 1) if out else torch.zeros_like(value)


_tree = {  # one chain (piece 0, then 1) that was forked at its second step (piece 2), and another (3)
    "reward": [4.0, 0.0, 2.0],
    "node": [[0, 1, 1], [0, 2, 0], [3, 3, 3]],
    "group": [0, 0, 0],
    "mask": [[1, 1, 1], [1, 1, 0], [1, 0, 1]],
}
witness = (
    Witness(
        TreeCredit(power=0.0),
        parent=GroupCentred(scale=None),
        given=_tree,
        returns=[[0.0, 4.0, 4.0], [0.0, -4.0, 0.0], [0.0, 0.0, 0.0]],  # 2 - 2 + 2 - 2; 4 - 2 + 4 - 2
    ),
    Witness(
        TreeCredit(overall=0.0, power=1.0),
        parent=TreeCredit(power=1.0),
        given={**_tree, "reward": [4.0, 0.0, 5.0]},
        returns=[[-0.5, 2.0, 2.0], [-0.5, -2.0, 0.0], [2.0, 0.0, 2.0]],  # (2 - 3) / 2; 4 - 2; 5 - 3
    ),
    Witness(
        TreeCredit(overall=1.0, local=0.0, power=0.5),
        parent=TreeCredit(power=0.5),
        given={**_tree, "reward": [4.0, 0.0, 5.0]},
        returns=[[-(0.5**0.5), 1.0, 1.0], [-(0.5**0.5), -3.0, 0.0], [2.0, 0.0, 2.0]],
    ),
)


def _no_forks(inputs: dict) -> dict:
    steps = inputs["mask"].shape
    return inputs | {"node": torch.arange(steps[0]).unsqueeze(-1).expand(steps).clone()}


limits = (Limit(TreeCredit(local=0.0), equals=GroupCentred(scale=None), when="nothing was forked", under=_no_forks),)
