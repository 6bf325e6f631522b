"""Step head: a verdict on each step of an answer, read at the step's last token.

    step_score[t] = w · hidden[the place of step t] + b        [B, T], log-odds that all is right up to there

Source: the process-supervised reward model of Let's Verify Step by Step, arXiv 2305.20050, which reads one token after each step; a classifier of tokens: Math-Shepherd, arXiv
2312.08935, eq. 2, and TRL's reward trainer of processes. The start is ``scalar``'s, with a bias, which shares of right steps need.
Differs from Value: read at the step itself and not before it, so that it knows what was done.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from guerdon.models.heads.scalar import small_start


@dataclass(frozen=True)
class Step:
    measures: ClassVar[str] = "step_score"
    per_step: ClassVar[bool] = True
    reads: ClassVar[tuple[str, ...]] = ("taken",)

    def build(self, width: int, seed: int) -> nn.Module:
        head = small_start(width, 1, seed)
        head.bias = nn.Parameter(torch.zeros(1))
        return head

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, taken: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``taken`` [S] → [S]."""
        return module(hidden.index_select(0, taken).to(module.weight.dtype)).squeeze(-1)
