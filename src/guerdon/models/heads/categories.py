"""Categories head: logits over K classes for the whole sequence, read at its last token.

    category_logits = W hidden[last] + b        [B, K]

Source: a linear classifier on a language model's last state, as the sequence classifiers of ``transformers``; on the policy's own states,
to tell by how much a text was degraded, arXiv 2409.17791. The start is that of the scalar head, N(0, 1/(D+1)), and a bias of 0. Default 4
classes: a choice of ours.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from guerdon.randomness import generator


@dataclass(frozen=True)
class Categories:
    measures: ClassVar[str] = "category_logits"
    per_step: ClassVar[bool] = False

    count: int = 4

    def build(self, width: int, seed: int) -> nn.Module:
        head = nn.Linear(width, self.count)
        with torch.no_grad():
            head.weight.copy_(torch.randn(self.count, width, generator=generator(seed, "head")) / (width + 1) ** 0.5)
            head.bias.zero_()
        return head

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``last`` [B] → [B, K]."""
        return module(hidden.index_select(0, last).float())
