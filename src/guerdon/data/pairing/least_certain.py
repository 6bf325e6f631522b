"""Least certain: of all pairs of a prompt, those whose order the policy itself is least sure of.

    margin(i, j) = |sum of (logp - ref_logp) over i - the same over j|        the ``count`` pairs with the smallest, per prompt

The implicit reward of DPO, up to its beta, orders every pair; where the two are close the answer of a judge tells most, as the Fisher information
sigmoid(m) (1 - sigmoid(m)) of a Bradley-Terry comparison is largest at m = 0. The same answer twice is no question.

Source: uncertainty sampling, Lewis and Gale 1994, with the implicit reward of DPO, arXiv 2305.18290, eq. 5. (Active preference learning for language models, arXiv 2402.08114,
asks where the policy is *surest* instead.) Default ``count`` 1: ours.
Differs from AllPairs: asks few questions, and chooses them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.pairing.all_pairs import AllPairs
from guerdon.quantities import BT, Group, Mask
from guerdon.steps import total
from guerdon.witness import Witness


@dataclass(frozen=True)
class LeastCertain:
    count: int = 1

    def __call__(self, action: Tensor, logp: BT, ref_logp: BT, mask: Mask, group: Group) -> Tensor:
        implicit = total(logp - ref_logp, mask)
        pairs = AllPairs()(group)
        taken = torch.where(mask, action, -1)
        pairs = pairs[(taken[pairs[:, 0]] != taken[pairs[:, 1]]).any(-1)]
        margin = (implicit[pairs[:, 0]] - implicit[pairs[:, 1]]).abs()
        kept = []
        for g in torch.unique(group):
            own = (group[pairs[:, 0]] == g).nonzero().squeeze(-1)
            kept.append(own[margin[own].argsort(stable=True)[: self.count]])
        return pairs[torch.cat(kept)] if kept else pairs


_t = torch.tensor
witness = Witness(  # implicit rewards 0, 3, 1 and 7: the first and the third are nearest, but for the last two, which are one answer
    LeastCertain(),
    parent=AllPairs(),
    given={
        "action": _t([[0], [1], [2], [3], [3]]),
        "logp": _t([[-1.0], [1.0], [-2.0], [5.0], [5.0]]),
        "ref_logp": _t([[-1.0], [-2.0], [-3.0], [-2.0], [-2.0]]),
        "mask": torch.ones(5, 1, dtype=torch.bool),
        "group": _t([0, 0, 0, 0, 0]),
    },
    returns=[[0, 2]],
)
