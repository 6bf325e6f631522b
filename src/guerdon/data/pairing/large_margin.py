"""Large margin: every two answers to a prompt whose rewards are at least so far apart.

    pairs (i, j) of a group with  |reward_i - reward_j| >= margin

In a game the reward is the share of wins against the rest of the group, so that pairs are kept of which the one wins clearly more often
against everybody, whoever wins between the two.

Source: the pairs of DNO-Prct, arXiv 2404.03715: all pairs of the samples whose scores differ by a large margin. Default
``margin`` 0.1: ours; its own is a difference of scores from 1 to 10.
Differs from AllPairs: what is close is not compared.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.pairing.all_pairs import AllPairs
from guerdon.quantities import B, Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class LargeMargin:
    margin: float = 0.1

    def __call__(self, reward: B, group: Group) -> Tensor:
        pairs = AllPairs()(group)
        return pairs[(reward[pairs[:, 0]] - reward[pairs[:, 1]]).abs() >= self.margin]


witness = Witness(
    LargeMargin(margin=0.5),
    parent=AllPairs(),
    given={"reward": torch.tensor([0.0, 0.25, 0.75]), "group": torch.tensor([0, 0, 0])},
    returns=[[0, 2], [1, 2]],
)
