"""Attended user: an answer is seen in the light of what somebody has liked and disliked, by attention to it.

    h'(x, u)    = h(x) + O sum_m softmax_m(q . k_m) v_m,   q = Q h(x),   k_m = K [e_m, s_m],   v_m = V [e_m, s_m]        [B, D], by each head of attention
    score(x, u) = r(h'(x, u))                                                                                             [B]

e_m are the embeddings of both sides of the comparisons that the head was told of, s_m = 1 for those that were preferred and -1 for the
others; h the hidden state at the last token. O starts at 0, so that nobody counts at first, and whoever has said nothing adds nothing: the
unconditioned model. K, Q, V, O and r are trained on other comparisons of the same people; somebody new only has to compare. ``seen`` may be
asked for two people and mixed.

Source: PPD, Dang et al. 2025, arXiv 2501.06655: a user's few comparisons, embedded by a frozen model that reads images, enter a denoiser by
cross-attention of its own beside that to the prompt, as in IP-Adapter, arXiv 2308.06721; mixtures of embeddings at inference. Here the two
sides are tokens, where there a vision-language model makes tokens of all comparisons together; and what they enter is a number for an
answer, or the policy over items of ``models.finite.scored_items``. ``attention`` 2 heads and ``units`` are ours.
Differs from LatentUser: a set of comparisons, not a point; nothing is believed, so nothing is sampled. The embeddings may not move.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from guerdon.models.heads._personal import Comparisons, linear, perceptron


@dataclass(frozen=True)
class AttendedUser:
    measures: ClassVar[str] = "score"
    per_step: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("user",)
    remembers: ClassVar[bool] = True

    users: int
    attention: int = 2
    units: int = 32

    def build(self, width: int, seed: int) -> nn.Module:
        inner = self.attention * self.units
        back = nn.Linear(inner, width, bias=False)
        nn.init.zeros_(back.weight)
        return nn.ModuleDict(
            {
                "own": Comparisons(self.users, width),
                "query": linear(width, inner, seed, "query"),
                "key": linear(width + 1, inner, seed, "key"),
                "value": linear(width + 1, inner, seed, "value"),
                "back": back,
                "reward": perceptron((width, self.units, 1), seed, "reward"),
            }
        )

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, user: Tensor) -> Tensor:
        """``hidden`` [P, D] at the places ``last`` [B], ``user`` [B] → [B]."""
        state = hidden.index_select(0, last).to(module["back"].weight.dtype)
        return module["reward"](state + self.seen(module, state, user)).squeeze(-1)

    def seen(self, module: nn.Module, state: Tensor, user: Tensor) -> Tensor:
        """[B, D], what is added to each state because of its user."""
        pairs, there = module["own"].pairs.to(state.dtype), module["own"].there
        if not there.any():
            return torch.zeros_like(state)
        sign = torch.tensor([1.0, -1.0]).to(pairs).view(1, 1, 2, 1).expand(*pairs.shape[:3], 1)
        tokens = torch.cat([pairs, sign], -1).flatten(1, 2)  # [U, 2 M, D + 1]
        key, value = (module[name](tokens).unflatten(-1, (self.attention, -1))[user] for name in ("key", "value"))  # [B, 2 M, heads, units]
        query = module["query"](state).unflatten(-1, (self.attention, -1))
        fit = torch.einsum("bhd,bmhd->bhm", query, key) / self.units**0.5
        absent = ~there.repeat_interleave(2, -1)[user].unsqueeze(1)
        share = fit.masked_fill(absent, -1e9).softmax(-1).masked_fill(absent, 0.0)
        return module["back"](torch.einsum("bhm,bmhd->bhd", share, value).flatten(1))

    @torch.no_grad()
    def acquaint(self, module: nn.Module, chosen: Tensor, rejected: Tensor, user: Tensor) -> None:
        """What these users have compared, [N, D] each, in the place of what they had before."""
        module["own"].put(chosen, rejected, user)
