"""Separate users: everybody has a scalar head of their own, and nothing is shared.

    score(x, u) = own[u] . h(x)        [B], h the hidden state [B, D] at the last token

What personal rewards are compared with: it can express every linear taste, and learns nothing about one person from another. Only the start
of somebody new, the mean over those that are known, is.

Source: ours; the per-user model that LoRe, arXiv 2504.14439, and Barreto et al. 2025, arXiv 2503.17338, measure themselves against.
Differs from Scalar: one head for each user. Differs from RewardFeatures: as many features as the embedding has, which are not learned.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from guerdon.models.heads._personal import Personal, drawn


@dataclass(frozen=True)
class SeparateUsers:
    measures: ClassVar[str] = "score"
    per_step: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("user",)

    users: int

    def build(self, width: int, seed: int) -> nn.Module:
        return Personal(drawn(self.users, width, seed, "own"))

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, user: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``last`` [B], ``user`` [B] → [B]."""
        return (module.own[user] * hidden.index_select(0, last).to(module.own.dtype)).sum(-1)
