"""Scalar head: one number for the whole sequence, read at its last token.

    score = w · hidden[last]        [B]

Source: the reward model of InstructGPT, arXiv 2203.02155, section 3.5. Without a bias, as the sequence classifiers of ``transformers``, in whose
format it is saved; a bias would cancel in every comparison. The start is small: N(0, 1/(D+1)), Stiennon et al. 2020, arXiv 2009.01325, appendix.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from guerdon.randomness import generator


@dataclass(frozen=True)
class Scalar:
    measures: ClassVar[str] = "score"
    per_step: ClassVar[bool] = False

    def build(self, width: int, seed: int) -> nn.Module:
        return small_start(width, 1, seed)

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``last`` [B] → [B]."""
        return module(hidden.index_select(0, last).to(module.weight.dtype)).squeeze(-1)


def small_start(width: int, numbers: int, seed: int) -> nn.Linear:
    """A linear head without a bias, its weights from N(0, 1 / (width + 1))."""
    head = nn.Linear(width, numbers, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.randn(numbers, width, generator=generator(seed, "head")) / (width + 1) ** 0.5)
    return head
