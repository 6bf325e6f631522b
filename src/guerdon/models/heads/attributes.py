"""Attributes head: a number for each of several qualities of an answer.

    attribute_score_k = w_k · hidden[last] + b_k          [B, K], read at the last token
    score             = sum_k weights_k attribute_score_k [B]; without weights their mean

Which quality is which is said by the loss that it is fitted with (``losses.attributes``). Weights may be below 0: of verbosity, say.

Source: the first stage of ArmoRM, Wang et al. 2024, arXiv 2406.12845, and its authors' code (``armo-rm/stage-1_train.py``), a linear regression on the last hidden state, there
without a bias and with a ridge; of HelpSteer's five attributes: Wang et al. 2023, arXiv 2311.09528.
Differs from Scalar: what the answer is good at is told, and how much each counts can be chosen afterwards.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.heads._personal import linear


@dataclass(frozen=True)
class Attributes:
    measures: ClassVar[tuple[str, ...]] = ("score", "attribute_score")
    per_step: ClassVar[bool] = False

    count: int = 5
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.count < 1 or (self.weights and len(self.weights) != self.count):
            raise InputError(
                f"attributes: {self.count} attributes have {len(self.weights)} weights; give one for each, or none for their mean"
            )

    def build(self, width: int, seed: int) -> nn.Module:
        head = linear(width, self.count, seed, "attributes")
        head.bias = nn.Parameter(torch.zeros(self.count))
        return head

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor) -> dict[str, Tensor]:
        """``hidden`` [P, D] at the places ``last`` [B] → [B] and [B, K]."""
        each = module(hidden.index_select(0, last).to(module.weight.dtype))
        score = each @ each.new_tensor(self.weights) if self.weights else each.mean(-1)
        return {"score": score, "attribute_score": each}
