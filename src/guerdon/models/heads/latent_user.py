"""Latent user: what somebody likes is a point in a small space, believed in as far as their comparisons say where it is.

    q(z | comparisons) = N(mean, 1 / precision),   precision = 1 + sum_m l(x_m, y_m),   mean = sum_m e(x_m, y_m) / precision        [B, L], component by component
    head_score_s(x, u) = r(h(x), mean + noise_s / sqrt(precision))                                                                  [B, S]
    score(x, u)        = r(h(x), mean)                                                                                              [B]

x_m, y_m are the embeddings of the preferred and the other side of the m-th comparison that the head was told of; e and l > 0 are the two
halves of one network, r another. Who has said nothing is N(0, 1). Encoder and reward are trained together by ``losses.several_heads.expected`` over the
noise and ``losses.penalties.gaussian_kl``, which is the evidence lower bound; somebody new only has to compare.

Source: VPL, Poddar et al. 2024, arXiv 2408.10075, with the authors' code (WEIRDLabUW/vpl and vpl_llm): a Gaussian encoder of a user's
labelled comparisons, a reward of state and latent, the mean at test time. There a set of comparisons is concatenated (its size is fixed) or
attended to and averaged, so that certainty does not follow from how many there are; here each multiplies what is believed by a Gaussian of
its own. There one draw of noise is made afresh for each set and step; here ``samples`` draws, one half the opposite of the other, are made
once and serve everybody. ``latent`` and ``units`` are ours, for embeddings of tens of components.
Differs from RewardFeatures: nothing of somebody new is fitted, and how sure the model is of them is known. The encoder reads embeddings, so
they may not move.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from guerdon.errors import InputError
from guerdon.models.heads._personal import Comparisons, perceptron
from guerdon.randomness import generator


@dataclass(frozen=True)
class LatentUser:
    measures: ClassVar[tuple[str, ...]] = ("score", "head_score", "latent_mean", "latent_log_variance")
    per_step: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("user",)
    remembers: ClassVar[bool] = True

    users: int
    latent: int = 4
    units: int = 32
    samples: int = 8

    def __post_init__(self) -> None:
        if self.samples < 2 or self.samples % 2:
            raise InputError(f"samples is {self.samples}: draws come with their opposites, so it is an even number")

    def build(self, width: int, seed: int) -> nn.Module:
        module = nn.ModuleDict(
            {
                "own": Comparisons(self.users, width),
                "encoder": perceptron((2 * width, self.units, self.units, 2 * self.latent), seed, "encoder"),
                "reward": perceptron((width + self.latent, self.units, self.units, 1), seed, "reward"),
            }
        )
        half = torch.randn(self.samples // 2, self.latent, generator=generator(seed, "head", "noise"))
        module.register_buffer("noise", torch.cat([half, -half]))
        return module

    def read(self, module: nn.Module, hidden: Tensor, predicts: Tensor, last: Tensor, user: Tensor) -> dict[str, Tensor]:
        """``hidden`` [P, D] at the places ``last`` [B], ``user`` [B] → [B], [B, S], [B, L] and [B, L]."""
        mean, precision = (x[user] for x in believed(module))
        state = hidden.index_select(0, last).to(mean.dtype)
        latents = mean.unsqueeze(1) + module.noise.to(mean.dtype) / precision.sqrt().unsqueeze(1)
        latents = torch.cat([mean.unsqueeze(1), latents], 1)  # [B, 1 + S, L]
        rewards = module["reward"](torch.cat([state.unsqueeze(1).expand(-1, latents.shape[1], -1), latents], -1)).squeeze(-1)
        return {
            "score": rewards[:, 0],
            "head_score": rewards[:, 1:],
            "latent_mean": mean,
            "latent_log_variance": -precision.log(),
        }

    @torch.no_grad()
    def acquaint(self, module: nn.Module, chosen: Tensor, rejected: Tensor, user: Tensor) -> None:
        """What these users have compared, [N, D] each, in the place of what they had before."""
        module["own"].put(chosen, rejected, user)


def believed(module: nn.Module) -> tuple[Tensor, Tensor]:
    """[U, L] each: mean and precision of every user's latent."""
    pairs, there = module["own"].pairs, module["own"].there
    dtype = next(module["encoder"].parameters()).dtype
    said = module["encoder"](pairs.to(dtype).flatten(-2))
    where, sure = said.chunk(2, -1)
    counts = there.unsqueeze(-1)
    precision = 1 + (F.softplus(sure) * counts).sum(1)
    return (where * counts).sum(1) / precision, precision
