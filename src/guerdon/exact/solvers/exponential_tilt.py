"""Exponential tilt: the best policy within a KL budget of the reference.

    maximise  E_p[reward]  subject to  KL(p || reference) <= delta
    p(y) proportional to reference(y) exp(reward(y) / beta),   with beta such that KL = delta

The KL grows with 1 / beta, from 0 to -log reference(best outcomes); 1 / beta is bracketed and found by Brent's method. A budget that allows it
gives the reference restricted to the best outcomes, with ``beta`` 0. Returns ``policy`` [..., S], ``beta``, ``reward`` and ``kl`` [...].

Source: Yang et al. 2024, Asymptotics of Language Model Alignment, arXiv 2404.01730 (the closed form of the KL-constrained optimum).
Differs from KLRegularisedOptimum: the budget is given and the penalty follows from it.
"""

from dataclasses import dataclass

import torch
from scipy.optimize import brentq
from torch import Tensor

from guerdon.exact.solvers._tables import distribution, kl, positive
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.witness import Witness


@dataclass(frozen=True)
class ExponentialTilt:
    delta: float  # nats

    def __post_init__(self) -> None:
        positive(self.delta, "delta")

    def __call__(self, reward: Tensor, reference: Tensor) -> dict[str, Tensor]:
        reference = distribution(reference, "reference").expand(reward.shape)
        flat = zip(reward.double().reshape(-1, reward.shape[-1]), reference.reshape(-1, reward.shape[-1]), strict=True)
        policies, betas = zip(*(self._solve(*row) for row in flat), strict=True)
        policy = torch.stack(policies).view(reward.shape)
        return {
            "policy": policy,
            "beta": torch.tensor(betas, dtype=torch.float64).view(reward.shape[:-1]),
            "reward": (policy * reward.double()).sum(-1),
            "kl": kl(policy, reference),
        }

    def _solve(self, reward: Tensor, reference: Tensor) -> tuple[Tensor, float]:
        possible = reference > 0
        best = torch.where(possible, reward, -torch.inf).max()
        winners = torch.where(reward == best, reference, torch.zeros_like(reference))
        if float(-winners.sum().log()) <= self.delta:
            return winners / winners.sum(), 0.0
        span = float(best - torch.where(possible, reward, torch.inf).min())
        centred = torch.where(possible, (reward - best) / span, torch.zeros_like(reward))

        def tilt(slope: float) -> Tensor:
            return (reference.log() + slope * centred).softmax(-1)

        def excess(slope: float) -> float:
            return float(kl(tilt(slope), reference)) - self.delta

        high = 1.0
        while excess(high) < 0:
            high *= 2
        slope = brentq(excess, 0.0, high, xtol=1e-300, rtol=1e-15, maxiter=500)
        return tilt(slope), span / slope


LN2, LN3 = 0.6931471805599453, 1.0986122886681098
witness = Witness(  # a fair coin tilted to 1/4 and 3/4: exp(1 / beta) = 3
    ExponentialTilt(delta=0.75 * LN3 - LN2),
    parent=KLRegularisedOptimum(),
    given={"reward": torch.tensor([0.0, 1.0], dtype=torch.float64), "reference": torch.tensor([0.5, 0.5], dtype=torch.float64)},
    returns={"policy": [0.25, 0.75], "beta": 1 / LN3, "reward": 0.75, "kl": 0.75 * LN3 - LN2},
)
