"""Low-rank users: a few rewards that everybody knows, of which each person has a mixture.

    basis(x)    = B h(x)                                   [B, K], h the hidden state [B, D] at the last token
    score(x, u) = sum_k softmax(own[u])_k basis_k(x)            [B]

The rewards of all users lie in the convex hull of K of them, so a table of users times answers has rank K. Basis and weights are learned
together by Bradley-Terry on pairs that say who judged, the embedding being frozen; for somebody new only their K weights are found.

Source: LoRe, Bose et al. 2025, arXiv 2504.14439: the basis on a frozen embedding, weights on the simplex; the authors' code
(facebookresearch/LoRe, ``utils.py``): weights as a softmax of logits from N(0, 1), trained with the basis by one optimiser. It divides
scores by 100 for embeddings of 4,096 unscaled components; here the basis starts as a scalar head does. Its pull of the basis towards a
pretrained reward is left out: it needs one. ``rank`` 5: ours, the paper chooses it for each data set.
Differs from RewardFeatures: weights are positive and sum to 1, so that somebody new is somewhere among those that are known, and can oppose
the basis nowhere.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from guerdon.models.heads._personal import Personal, linear
from guerdon.randomness import generator


@dataclass(frozen=True)
class LowRankUsers:
    measures: ClassVar[str] = "score"
    per_step: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("user",)

    users: int
    rank: int = 5

    def build(self, width: int, seed: int) -> nn.Module:
        own = torch.randn(self.users, self.rank, generator=generator(seed, "head", "own"))
        return Personal(own, basis=linear(width, self.rank, seed, "basis"))

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, user: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``last`` [B], ``user`` [B] → [B]."""
        basis = module.shared["basis"](hidden.index_select(0, last).to(module.own.dtype))
        return (module.own[user].softmax(-1) * basis).sum(-1)
