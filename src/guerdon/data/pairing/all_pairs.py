"""All pairs: every two answers to a prompt.

K answers give K (K - 1) / 2 questions.

Source: InstructGPT, arXiv 2203.02155, section 3.5 (all pairs of a ranking of K).
Differs from Consecutive: an answer takes part in K - 1 comparisons.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.pairing.consecutive import Consecutive
from guerdon.quantities import Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class AllPairs:
    def __call__(self, group: Group) -> Tensor:
        members = [(group == g).nonzero().squeeze(-1) for g in torch.unique(group)]
        return torch.cat([torch.combinations(rows) for rows in members] or [torch.zeros(0, 2, dtype=torch.long)])


witness = Witness(AllPairs(), parent=Consecutive(), given={"group": torch.tensor([0, 1, 0, 0])}, returns=[[0, 2], [0, 3], [2, 3]])
