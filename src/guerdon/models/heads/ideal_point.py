"""Ideal point: everybody has a place in the space of answers, and likes what lies near it; the places are mixtures of a few prototypes.

    ideal(u)    = sum_k softmax(own[u])_k prototype_k                   [B, D], in the space of hidden states
    score(x, u) = -|f(h(x)) - f(ideal(u))|^2                            [B], h the hidden state [B, D] at the last token, f into M dimensions

What is liked best is not far out in some direction, as under a linear reward, but at a point: more of a good thing can be too much. Map,
prototypes and mixtures are learned together by Bradley-Terry on pairs that say who judged; for somebody new only their mixture is found.

Source: PAL, Chen et al. 2024, arXiv 2406.08469, its model A; the authors' code (RamyaLab/pluralistic-alignment, ``pal_rm_a``): mixtures as
a softmax of logits from N(0, 1), prototypes in the embedding's own space (``f(Pw)``). There the score is the distance itself; squared it
has a gradient everywhere, and with a linear f its difference over a pair is linear in ``ideal``. The loss there is a hinge or logistic:
that is the recipe's. ``hidden`` 0: f is linear (a metric); more: two layers of so many with ReLU, where the authors have two of the
embedding's width. ``prototypes`` 2 as in most of their configurations; ``dimensions`` 16: ours, theirs is the embedding's.
Differs from LowRankUsers: what is mixed are places, not rewards.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from guerdon.models.heads._personal import Personal, linear, perceptron
from guerdon.randomness import generator


@dataclass(frozen=True)
class IdealPoint:
    measures: ClassVar[str] = "score"
    per_step: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("user",)

    users: int
    prototypes: int = 2
    dimensions: int = 16
    hidden: int = 0

    def build(self, width: int, seed: int) -> nn.Module:
        own = torch.randn(self.users, self.prototypes, generator=generator(seed, "head", "own"))
        mapped = (
            perceptron((width, self.hidden, self.dimensions), seed, "map") if self.hidden else linear(width, self.dimensions, seed, "map")
        )
        return Personal(own, map=mapped, prototypes=linear(self.prototypes, width, seed, "prototypes"))

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, user: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``last`` [B], ``user`` [B] → [B]."""
        f = module.shared["map"]
        ideal = module.shared["prototypes"](module.own[user].softmax(-1))
        return -(f(hidden.index_select(0, last).to(module.own.dtype)) - f(ideal)).square().sum(-1)
