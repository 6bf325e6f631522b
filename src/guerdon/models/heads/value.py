"""Value head: the return that is expected from each step on, read where the step is decided.

    value[t] = w · hidden[the position before step t] + b        [B, T]

Source: the critic of InstructGPT, arXiv 2203.02155, appendix C.4, and of Stiennon et al. 2020, arXiv 2009.01325, appendix G.1. The weights start at zero, so that
the first advantages are those of a constant baseline; neither paper states its start for the critic.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn


@dataclass(frozen=True)
class Value:
    measures: ClassVar[str] = "value"
    per_step: ClassVar[bool] = True

    def build(self, width: int, seed: int) -> nn.Module:
        head = nn.Linear(width, 1)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        return head

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``predicts`` [S] → [S]."""
        return module(hidden.index_select(0, predicts).float()).squeeze(-1)
