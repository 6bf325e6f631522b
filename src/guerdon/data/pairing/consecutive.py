"""Consecutive: the first answer to a prompt with the second, the third with the fourth.

Rows of a group in the order in which they were drawn; an odd one out is not compared.

Source: two answers to each prompt, as in online DPO, arXiv 2402.04792.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.quantities import Group
from guerdon.witness import Witness


@dataclass(frozen=True)
class Consecutive:
    def __call__(self, group: Group) -> Tensor:
        members = [(group == g).nonzero().squeeze(-1) for g in torch.unique(group)]
        return torch.cat([rows[: len(rows) // 2 * 2].view(-1, 2) for rows in members] or [torch.zeros(0, 2, dtype=torch.long)])


witness = Witness(Consecutive(), given={"group": torch.tensor([0, 1, 0, 1, 1, 0, 0])}, returns=[[0, 2], [5, 6], [1, 3]])
