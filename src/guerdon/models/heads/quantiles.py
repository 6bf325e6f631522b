"""Quantile head: not how good an answer is, but how the ratings of such answers lie.

    quantile_score_i = w_i · hidden[last] + b_i        [B, Q], the quantile at i / (Q + 1) of the ratings, i from 1 to Q
    score            = mean over i of quantile_score_i [B]

Source: QRM, Dorka 2024, arXiv 2409.10164, its abstract and summaries. ``count`` 19, quantiles in steps of 0.05: ours.
Differs from Scalar: a distribution, whose spread tells what people differ about; learned from ratings (``losses.quantiles``).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.heads._personal import linear


@dataclass(frozen=True)
class Quantiles:
    measures: ClassVar[tuple[str, ...]] = ("score", "quantile_score")
    per_step: ClassVar[bool] = False

    count: int = 19

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError(f"quantiles.count is {self.count}; give one (the median) or more")

    def build(self, width: int, seed: int) -> nn.Module:
        head = linear(width, self.count, seed, "quantiles")
        head.bias = nn.Parameter(torch.zeros(self.count))
        return head

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor) -> dict[str, Tensor]:
        """``hidden`` [P, D] at the places ``last`` [B] → [B] and [B, Q]."""
        each = module(hidden.index_select(0, last).to(module.weight.dtype))
        return {"score": each.mean(-1), "quantile_score": each}
