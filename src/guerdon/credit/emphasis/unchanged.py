"""Unchanged: every step counts as its advantage says.

    emphasis = 1        [B, T], without unit

Source: the policy gradient as it is; the other parts of the room are told from it.
"""

from dataclasses import dataclass

import torch

from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class Unchanged:
    def __call__(self, advantage: BT) -> BT:
        return torch.ones_like(advantage)


witness = Witness(Unchanged(), given={"advantage": [[2.0, -3.0]]}, returns=[[1.0, 1.0]])
