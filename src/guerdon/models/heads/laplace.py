"""Laplace head: a scalar head and how sure it is, by the curvature of what it was fitted to.

    score           = w · h - pessimism * score_deviation                               [B], h the hidden state at the last token
    score_deviation = sqrt((h - centre) · covariance (h - centre))                       [B], in units of the score
    covariance      = (precision I + sum_n p_n (1 - p_n) d_n d_n^T)^-1,   p_n = sigmoid(w · d_n)

d_n is what the log-odds of a row are of: chosen less rejected hidden state of a comparison, the state itself of a verdict on one answer. ``centre`` is the mean state of
these rows: a comparison says nothing of a constant, so a deviation is that from an average answer. Covariance and centre are known once the head was fitted (``conclude``);
until then the deviation is 0. They are constants, of which no gradient is taken: ``pessimism``, in deviations, is for scoring; a head that is fitted anew is better without.

Source: MacKay 1992, A Practical Bayesian Framework for Backpropagation Networks, for the last layer alone (Laplace Redux, Daxberger et al. 2021, arXiv 2106.14806, section 3);
for reward models, with LoRA's weights in it too: Yang et al. 2024, arXiv 2402.13210. ``precision`` 1, of the normal prior on the weights: ours; a head that was stopped early, or
by another decay, is not at the maximum that the formula is meant for.
Differs from Ensemble: one head, and what is uncertain is worked out and not drawn; of a body that is trained along nothing is uncertain.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.heads.scalar import small_start


@dataclass(frozen=True)
class Laplace:
    measures: ClassVar[tuple[str, ...]] = ("score", "score_deviation")
    per_step: ClassVar[bool] = False

    precision: float = 1.0
    pessimism: float = 0.0

    def __post_init__(self) -> None:
        if not self.precision > 0:
            raise InputError(f"laplace.precision is {self.precision}, that of the prior on the weights; give a number above 0")

    def build(self, width: int, seed: int) -> nn.Module:
        module = nn.Module()
        module.mean = small_start(width, 1, seed)
        module.register_buffer("root", torch.zeros(width, width))  # covariance = root root^T
        module.register_buffer("centre", torch.zeros(width))
        return module

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor) -> dict[str, Tensor]:
        """``hidden`` [P, D] at the places ``last`` [B] → [B] and [B]."""
        state = hidden.index_select(0, last).to(module.mean.weight.dtype)
        deviation = ((state.detach() - module.centre) @ module.root).norm(dim=-1)
        return {"score": module.mean(state).squeeze(-1) - self.pessimism * deviation, "score_deviation": deviation}

    @torch.no_grad()
    def conclude(self, module: nn.Module, rows: Iterable[tuple[Tensor, ...]]) -> None:
        """How sure the head is after the rows it was fitted to: a few at a time, the states [n, D] of both sides of comparisons, or of one answer each."""
        weight = module.mean.weight.double()
        information = self.precision * torch.eye(weight.shape[1], dtype=torch.float64, device=weight.device)
        total, count = torch.zeros_like(weight[0]), 0
        for sides in rows:
            states = [side.double() for side in sides]
            evidence = states[0] - states[1] if len(states) == 2 else states[0]
            right = torch.sigmoid(evidence @ weight.T)
            information += (evidence * right * (1 - right)).T @ evidence
            total, count = total + sum(side.sum(0) for side in states), count + sum(map(len, states))
        lower = torch.linalg.cholesky(information)
        inverse = torch.linalg.solve_triangular(lower.T, torch.eye(len(lower), dtype=lower.dtype, device=lower.device), upper=True)
        module.root.copy_(inverse)
        module.centre.copy_(total / max(count, 1))
