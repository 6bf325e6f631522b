"""Reward features: what an answer offers is the same for all, and each person weighs it in their own way.

    features(x) = A h(x)                        [B, K], h the hidden state [B, D] at the last token
    score(x, u) = sum_k own[u, k] features_k(x)        [B]

``own`` is a row of K free numbers for each user. Features and weights are learned together, by Bradley-Terry on pairs that say who judged;
for somebody new the features stay and only their row is found, which is logistic regression (``guerdon.training.adapting``).

Source: reward-feature models, Barreto et al. 2025, arXiv 2503.17338: the inner product, learned jointly, and adapted with frozen features.
There the body's last layer gives the features, as here under ``Headed``; ``features`` 32 is the middle one of the sizes tried there (8, 32,
128). How weights start is left open: here features as those of a scalar head, weights from N(0, 1 / K), so that first scores are of the
same size.
Differs from Scalar: K scalar heads, mixed by who asks. With one user and one feature it is a scalar head times a number.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from guerdon.models.heads._personal import Personal, linear
from guerdon.randomness import generator


@dataclass(frozen=True)
class RewardFeatures:
    measures: ClassVar[str] = "score"
    per_step: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("user",)

    users: int
    features: int = 32

    def build(self, width: int, seed: int) -> nn.Module:
        own = torch.randn(self.users, self.features, generator=generator(seed, "head", "own")) / self.features**0.5
        return Personal(own, features=linear(width, self.features, seed, "features"))

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, user: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``last`` [B], ``user`` [B] → [B]."""
        features = module.shared["features"](hidden.index_select(0, last).to(module.own.dtype))
        return (module.own[user] * features).sum(-1)
