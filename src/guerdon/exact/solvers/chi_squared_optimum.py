"""Chi-squared optimum: the policy that a reward with a chi-squared penalty asks for.

    maximise  E_p[reward] - strength * chi2(p || reference),   chi2 = sum over y of p(y)^2 / reference(y) - 1
    p*(y) = reference(y) max(0, 1 + (reward(y) - level) / (2 strength)),   level such that they sum to 1        per context; [..., S]

Probabilities grow in a line with the reward and not exponentially, and what is bad enough gets none. With the square root of chi2 for the penalty the optima are the same ones,
at other strengths. Returns ``policy``, ``level`` [...], the expected ``reward``, ``chi_squared`` and the ``kl`` (nats).

Source: the divergence of Laidlaw et al. 2024, arXiv 2403.03185 (of occupancies; in one step they are the policies); the solution by its Lagrangian, as in Huang et al. 2024,
arXiv 2407.13399. Default: as in KLRegularisedOptimum.
Differs from KLRegularisedOptimum: bounded by a multiple of the reference that grows with the reward alone.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.exact.solvers._tables import distribution, kl, positive
from guerdon.exact.solvers.kl_regularised_optimum import LN2, KLRegularisedOptimum
from guerdon.witness import Witness


@dataclass(frozen=True)
class ChiSquaredOptimum:
    strength: float = 1.0

    def __post_init__(self) -> None:
        positive(self.strength, "strength")

    def __call__(self, reward: Tensor, reference: Tensor) -> dict[str, Tensor]:
        reference, reward = distribution(reference, "reference").expand(reward.shape), reward.double()
        order = torch.where(reference > 0, reward, -torch.inf).argsort(-1, descending=True)
        ranked, likely = reward.gather(-1, order), reference.gather(-1, order)
        # If the best k are used, their masses sum to 1 at this level; so many are used as lie above the level of their own number.
        mass = likely.cumsum(-1)
        levels = (2 * self.strength * (mass - 1) + (likely * ranked).cumsum(-1)) / mass.clamp(min=1e-300)
        used = (ranked - levels > -2 * self.strength).sum(-1, keepdim=True).clamp(min=1)
        level = levels.gather(-1, used - 1)
        policy = reference * (1 + (reward - level) / (2 * self.strength)).clamp(min=0)
        policy = policy / policy.sum(-1, keepdim=True)
        square = torch.where(reference > 0, policy.square() / reference.clamp(min=1e-300), torch.zeros_like(policy)).sum(-1) - 1
        return {
            "policy": policy,
            "level": level.squeeze(-1),
            "reward": (policy * reward).sum(-1),
            "chi_squared": square,
            "kl": kl(policy, reference),
        }


LN3 = 1.0986122886681098
_coin = {"reward": torch.tensor([0.0, 1.0], dtype=torch.float64), "reference": torch.tensor([0.5, 0.5], dtype=torch.float64)}
witness = (
    Witness(  # the level is a half, and half of 1 -/+ a half remains
        ChiSquaredOptimum(0.5),
        parent=KLRegularisedOptimum(0.5),
        given=_coin,
        returns={"policy": [0.25, 0.75], "level": 0.5, "reward": 0.75, "chi_squared": 0.25, "kl": 0.75 * LN3 - LN2},
    ),
    Witness(  # so weak that only the better one is left: 1/2 (1 + 4 (1 - level)) = 1
        ChiSquaredOptimum(0.125),
        parent=ChiSquaredOptimum(0.5),
        given=_coin,
        returns={"policy": [0.0, 1.0], "level": 0.75, "reward": 1.0, "chi_squared": 1.0, "kl": LN2},
    ),
)
