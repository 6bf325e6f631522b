"""Weighted-KL optimum: the policy that a reward asks for with a KL penalty that is heavier for some outcomes than for others.

    maximise  E_p[reward] - beta * sum over y of weight(y) p(y) log(p(y) / reference(y))
    p*(y) = reference(y) exp((reward(y) - level) / (beta weight(y)) - 1),   level such that they sum to 1        per context; [..., S]

``weight`` [..., S] is above 0: the variance of the reward among the members of an ensemble, say. A constant factor of it is one of beta. The sum is no divergence where weights
differ: without any reward, or at any beta, its optimum is not the reference but goes to where the weight is small. Returns ``policy``, ``level`` [...], the expected ``reward``
and the plain ``kl`` (nats).

Source: the objective of uncertainty-aware RLHF, arXiv 2410.23726, as its abstract and descriptions have it; the solution by its
Lagrangian is ours. Default: as in KLRegularisedOptimum.
Differs from KLRegularisedOptimum: the weight; with the same everywhere it is that.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.solvers._tables import distribution, kl, positive
from guerdon.exact.solvers.kl_regularised_optimum import LN2, KLRegularisedOptimum
from guerdon.witness import Witness

_HALVINGS = 100


@dataclass(frozen=True)
class WeightedKLOptimum:
    beta: float = 1.0

    def __post_init__(self) -> None:
        positive(self.beta, "beta")

    def __call__(self, reward: Tensor, reference: Tensor, weight: Tensor) -> dict[str, Tensor]:
        reference, reward = distribution(reference, "reference").expand(reward.shape), reward.double()
        held = self.beta * weight.double().expand(reward.shape)
        if not bool((held > 0).all() & held.isfinite().all()):
            raise InputError("the weights of the KL must be finite numbers above 0 for every outcome")
        # At the lowest of reward - held no exponent is below 0 and the masses sum to 1 or more, at the highest to 1 or less.
        low, high = (reward - held).amin(-1), (reward - held).amax(-1)
        for _ in range(_HALVINGS):
            level = (low + high) / 2
            if bool((level <= low).all() | (level >= high).all()):
                break
            much = self._log_masses(reward, reference, held, level).logsumexp(-1) > 0
            low, high = torch.where(much, level, low), torch.where(much, high, level)
        level = (low + high) / 2
        policy = self._log_masses(reward, reference, held, level).softmax(-1)
        return {"policy": policy, "level": level, "reward": (policy * reward).sum(-1), "kl": kl(policy, reference)}

    def _log_masses(self, reward: Tensor, reference: Tensor, held: Tensor, level: Tensor) -> Tensor:
        return reference.log() + (reward - level.unsqueeze(-1)) / held - 1


# Held by 1 and 2, at the level 0: p1 = 1/2 exp(r1 - level - 1) = 1/3, p2 = 1/2 exp((r2 - level) / 2 - 1) = 2/3, so r1 = 1 + ln(2/3) and r2 = 2 + 2 ln(4/3).
LN3 = 1.0986122886681098
_R1, _R2 = 1 + LN2 - LN3, 2 + 2 * (2 * LN2 - LN3)
_given = {
    "reward": torch.tensor([_R1, _R2], dtype=torch.float64),
    "reference": torch.tensor([0.5, 0.5], dtype=torch.float64),
    "weight": torch.tensor([1.0, 2.0], dtype=torch.float64),
}
_KL = 5 / 3 * LN2 - LN3
witness = (
    Witness(
        WeightedKLOptimum(),
        parent=KLRegularisedOptimum(),
        given=_given,
        returns={"policy": [1 / 3, 2 / 3], "level": 0.0, "reward": (_R1 + 2 * _R2) / 3, "kl": _KL},
    ),
    Witness(  # half the weights at twice the beta
        WeightedKLOptimum(beta=2.0),
        parent=WeightedKLOptimum(),
        given=_given | {"weight": torch.tensor([0.5, 1.0], dtype=torch.float64)},
        returns={"policy": [1 / 3, 2 / 3], "level": 0.0, "reward": (_R1 + 2 * _R2) / 3, "kl": _KL},
    ),
)
