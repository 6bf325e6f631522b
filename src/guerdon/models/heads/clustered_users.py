"""Clustered users: everybody belongs to one of K groups, and each group has a scalar head.

    head_score_k(x) = w_k . h(x)                           [B, K], h the hidden state [B, D] at the last token
    score(x, u)     = head_score_{own[u]}(x)                [B]

``own`` is no parameter but an index for each user: the group under whose reward the comparisons that they have made are likeliest, found
when the head gets acquainted with them. ``losses.several_heads.clusters`` fits the heads without anybody saying who belongs together; after the fit the
users are sorted once more. Somebody new is sorted in without training anything.

Source: the reward mixture of MaxMin-RLHF, Chakraborty et al. 2024, arXiv 2402.08925, its algorithm of learning rewards by expectation
maximisation with hard assignments. Users start dealt out in turn. ``clusters`` 2 as in its experiments.
Differs from LowRankUsers: nobody is between groups. Differs from MixtureHeads: who judged is known, and all that somebody has judged counts
together.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from guerdon.models.heads._personal import linear


@dataclass(frozen=True)
class ClusteredUsers:
    measures: ClassVar[tuple[str, ...]] = ("score", "head_score")
    per_step: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("user",)

    users: int
    clusters: int = 2

    def build(self, width: int, seed: int) -> nn.Module:
        module = nn.ModuleDict({"heads": linear(width, self.clusters, seed, "heads")})
        module.register_buffer("own", torch.arange(self.users) % self.clusters)
        return module

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, user: Tensor) -> dict[str, Tensor]:
        """``hidden`` [P, D] at the places ``last`` [B], ``user`` [B] → [B] and [B, K]."""
        each = module["heads"](hidden.index_select(0, last).to(module["heads"].weight.dtype))
        return {"score": each.gather(-1, module.own[user].unsqueeze(-1)).squeeze(-1), "head_score": each}

    @torch.no_grad()
    def acquaint(self, module: nn.Module, chosen: Tensor, rejected: Tensor, user: Tensor) -> None:
        """Sort every user who compared: embeddings of both sides [N, D], ``user`` [N]."""
        heads = module["heads"]
        likelihood = F.logsigmoid(heads(chosen.to(heads.weight.dtype)) - heads(rejected.to(heads.weight.dtype)))
        total = likelihood.new_zeros(self.users, self.clusters).index_add_(0, user, likelihood)
        seen = torch.zeros(self.users, dtype=torch.bool, device=user.device).index_fill_(0, user, True)
        module.own[seen] = total[seen].argmax(-1)
