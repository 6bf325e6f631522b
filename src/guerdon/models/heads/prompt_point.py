"""Prompt point: what somebody likes best depends on what was asked, and is a mixture of a few such dependences.

    ideal(c, u)   = sum_k softmax(own[u])_k g_k(c)                   [B, M], c the hidden state [B, D] of what is answered
    score(x, u)   = scale * cos(f(h(x)), ideal(c, u))                [B], h the hidden state [B, D] at the last token

Map, prototypes and mixtures are learned together by Bradley-Terry on pairs that say who judged; for somebody new only their mixture is
found.

Source: PAL, Chen et al. 2024, arXiv 2406.08469, its model B; the authors' code (RamyaLab/pluralistic-alignment, ``pal_rm_b``, ``angle``): K
maps of the prompt, a cosine and a learned scale that starts at 1 / 0.07 and ends at 100. Maps are linear here; there they have two layers.
``prototypes`` 2 as there, ``dimensions`` 16: ours.
Differs from IdealPoint: prototypes are functions of the prompt, and it is the angle that counts.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from guerdon.models.heads._personal import Personal, linear
from guerdon.randomness import generator

START, END = 1 / 0.07, 100.0


@dataclass(frozen=True)
class PromptPoint:
    measures: ClassVar[str] = "score"
    per_step: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("user", "context")

    users: int
    prototypes: int = 2
    dimensions: int = 16

    def build(self, width: int, seed: int) -> nn.Module:
        own = torch.randn(self.users, self.prototypes, generator=generator(seed, "head", "own"))
        scale = nn.ParameterDict({"log": nn.Parameter(torch.tensor(math.log(START)))})
        points = linear(width, self.prototypes * self.dimensions, seed, "points")
        return Personal(own, map=linear(width, self.dimensions, seed, "map"), points=points, scale=scale)

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, user: Tensor, context: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``last`` [B], ``user`` [B], ``context`` [B, D] → [B]."""
        answer = module.shared["map"](hidden.index_select(0, last).to(module.own.dtype))
        points = module.shared["points"](context.to(module.own.dtype)).unflatten(-1, (self.prototypes, self.dimensions))
        ideal = (module.own[user].softmax(-1).unsqueeze(-1) * points).sum(-2)
        scale = module.shared["scale"]["log"].clamp(max=math.log(END)).exp()
        return scale * F.cosine_similarity(answer, ideal, dim=-1)
