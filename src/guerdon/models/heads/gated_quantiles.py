"""Gated quantiles head: how the ratings of several qualities lie, what is asked says how much each counts, and how little is risked may
count besides.

    attribute_quantile_score_ki = w_ki . hidden[last] + b_ki                    [B, K, Q], the quantile at i / (Q + 1) of the ratings of quality k
    gate_k                      = softmax(perceptron(hidden of what is answered))
    quantile_score_i            = sum_k gate_k attribute_quantile_score_ki      [B, Q]; its gradient reaches the gate, and not the quantiles
    score                       = mean over i of quantile_score_i               [B]
    with an ``aversion`` a > 0  = -(1 / a) log mean over i of exp(-a quantile_score_i), what is surely as good by the utility -exp(-a x)

Quantiles are fitted to ratings (``losses.quantiles.attribute_pinball``), the gate to comparisons (``recipes.reward_model``), one after the
other or in one run. With an aversion an answer about which people differ is worth less than one that all rate alike; a gate is fitted
without.

Source: QRM, Dorka 2024, arXiv 2409.10164, its abstract and summaries: quantile regression for each attribute, a gating network that makes
one distribution of them, and a concave utility over the quantiles for RL. That the distribution is the weighted sum, quantile by quantile,
is ours; so is the gate of ``gated_attributes``, in the place of theirs. ``count`` 19 quantiles: ours.
Differs from GatedAttributes: a distribution for each quality. Differs from Quantiles: several qualities, and weights of the prompt.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.heads._personal import linear, perceptron


@dataclass(frozen=True)
class GatedQuantiles:
    measures: ClassVar[tuple[str, ...]] = ("score", "quantile_score", "attribute_quantile_score", "mixture_logp")
    per_step: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("context",)

    attributes: int = 5
    count: int = 19
    units: int = 128
    hidden: int = 3  # layers
    aversion: float = 0.0

    def __post_init__(self) -> None:
        if self.attributes < 1 or self.count < 1 or self.hidden < 0 or self.aversion < 0:
            raise InputError(f"{self!r}: one attribute and one quantile or more, no layer or more, and an aversion of 0 or more")

    def build(self, width: int, seed: int) -> nn.Module:
        head = linear(width, self.attributes * self.count, seed, "quantiles")
        head.bias = nn.Parameter(torch.zeros(self.attributes * self.count))
        sizes = (width, *[self.units] * self.hidden, self.attributes)
        return nn.ModuleDict({"quantiles": head, "gate": perceptron(sizes, seed, "gate")})

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, context: Tensor) -> dict[str, Tensor]:
        """``hidden`` [P, D] at the places ``last`` [B], ``context`` [B, D] → [B], [B, Q], [B, K, Q] and [B, K]."""
        dtype = module["quantiles"].weight.dtype
        each = module["quantiles"](hidden.index_select(0, last).to(dtype)).unflatten(-1, (self.attributes, self.count))
        gate = module["gate"](context.to(dtype)).log_softmax(-1)
        mixed = (gate.exp().unsqueeze(-1) * each.detach()).sum(-2)
        return {"score": self._score(mixed), "quantile_score": mixed, "attribute_quantile_score": each, "mixture_logp": gate}

    def _score(self, quantiles: Tensor) -> Tensor:
        """[B], what is surely as good as these quantiles [B, Q]."""
        if not self.aversion:
            return quantiles.mean(-1)
        return -((-self.aversion * quantiles).logsumexp(-1) - math.log(self.count)) / self.aversion
