"""Beta density: how common the prompt's success rate is in this batch, as the density of a Beta distribution.

    p     = mean reward of the group (rewards in [0, 1])
    a, b  = Beta fitted to the p of the batch's groups by its two moments:  s = m (1 - m) / v - 1,  a = s m,  b = s (1 - m)
    alpha = max(1, 1 + a / 3),  beta = max(1, 1 + b / 3)        where the fields do not fix them
    scale = BetaPDF(p; alpha, beta), and 0 where p is 0 or 1        [B], without unit

Fixed alpha = beta = 1 is no scale at all (REINFORCE with the group's mean as baseline), alpha = beta = 3/2 the deviation of the group
times 8/pi (GRPO). The paper derives alpha and beta as those that minimise the variance of the gradient estimate when p is distributed as
Beta(a, b).

Source: BNPO, arXiv 2506.02864 (advantage, and alpha = 1 + a/3, beta = 1 + b/3). From the authors' code: the unbiased variance over
groups, the bound at 1, and no scale where the batch is a single group. Chosen here: no scale where all groups have the same p (the moments
have no solution), and 0 for p of 0 or 1 (all rewards are equal, so the advantage is 0 whatever the scale).
Differs from GroupDeviation: not the same function of p in every batch. Invalid for rewards whose group mean leaves [0, 1]: refused.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.errors import InputError
from guerdon.quantities import B, Group
from guerdon.steps import group_mean, group_size
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class BetaDensity:
    per_batch: ClassVar[bool] = True

    alpha: float | None = None  # None: fitted to the batch
    beta: float | None = None

    def __call__(self, reward: B, group: Group) -> B:
        p = group_mean(reward, group)
        if ((p < -1e-6) | (p > 1 + 1e-6)).any():
            raise InputError(
                "BetaDensity reads the mean reward of a prompt as a success rate, but one of this batch is outside [0, 1]: "
                "use rewards between 0 and 1, or another scale"
            )
        alpha, beta = self.parameters(p, group)
        inside = (p > 1e-6) & (p < 1 - 1e-6)
        safe = torch.where(inside, p, torch.full_like(p, 0.5))
        log_norm = torch.lgamma(alpha) + torch.lgamma(beta) - torch.lgamma(alpha + beta)
        density = ((alpha - 1) * safe.log() + (beta - 1) * torch.log1p(-safe) - log_norm).exp()
        return torch.where(inside, density, torch.zeros_like(density))

    def parameters(self, p: B, group: Group) -> tuple[torch.Tensor, torch.Tensor]:
        """Alpha and beta for success rates ``p`` (each given once per sequence of its group)."""
        each = 1 / group_size(group).to(p.dtype)  # a group counts once, whatever its size
        groups = each.sum()
        mean = (each * p).sum() / groups
        variance = (each * (p - mean) ** 2).sum() / (groups - 1).clamp(min=1)
        strength = torch.where(variance > 1e-12, mean * (1 - mean) / variance.clamp(min=1e-12) - 1, torch.zeros_like(mean))
        fitted = (1 + strength * mean / 3).clamp(min=1), (1 + strength * (1 - mean) / 3).clamp(min=1)
        fixed = self.alpha, self.beta
        return tuple(f if x is None else p.new_tensor(x) for x, f in zip(fixed, fitted, strict=True))


_D = 56**-0.5  # two groups at 1/2 - D and 1/2 + D: m = 1/2, v = 2 D^2 = 1/28, so a = b = 3 and alpha = beta = 2
witness = (
    Witness(  # the density of Beta(2, 2) is 6 p (1 - p) = 6 (1/4 - 1/56)
        BetaDensity(),
        parent=GroupDeviation(),
        given={"reward": [0.25 - _D, 0.75 - _D, 0.25 + _D, 0.75 + _D], "group": [0, 0, 1, 1]},
        returns=[39 / 28] * 4,
    ),
    Witness(  # 3 p^2 at p = 1/4, and a group without spread
        BetaDensity(alpha=3.0, beta=1.0),
        parent=BetaDensity(),
        given={"reward": [0.0, 0.5, 1.0, 1.0], "group": [0, 0, 1, 1]},
        returns=[3 / 16, 3 / 16, 0.0, 0.0],
    ),
)


def admissible(inputs: dict) -> dict:
    """Random inputs to which the part applies: rewards in (0, 1)."""
    return inputs | {"reward": inputs["reward"].sigmoid()}


def _binary(inputs: dict) -> dict:
    return inputs | {"reward": (inputs["reward"] > 0).double()}


limits = (
    Limit(
        GroupCentred(BetaDensity(alpha=1.0, beta=1.0)), equals=GroupCentred(scale=None), when="alpha = beta = 1: no scale", under=admissible
    ),
    Limit(
        BetaDensity(alpha=1.5, beta=1.5),
        equals=GroupDeviation(epsilon=0.0, correction=0),
        when="alpha = beta = 3/2 and rewards are 0 or 1: GRPO's deviation up to a constant",
        under=_binary,
        factor=8 / math.pi,
    ),
)
