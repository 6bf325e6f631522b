"""Maxmin optimum: the policy under which the group that fares worst fares as well as can be.

    maximise over p   min_k E_p[reward_k] - beta * KL(p || reference)
    p(y) = reference(y) exp(sum_k w_k reward_k(y) / beta) / Z(w),    w = argmin over the simplex of beta log Z(w)

``reward`` is [K, S], ``reference`` [S]. Returns ``policy`` [S], ``weights`` [K] (groups that are better off than the worst have 0),
``reward`` [K] = E_p[reward_k], ``kl`` (nats) and ``value``, the optimum.

Source: the objective, MaxMin-RLHF, Chakraborty et al. 2024, arXiv 2402.08925; the form of the solution by Sion's minimax theorem, since the
objective is concave in p and linear in w.
Differs from KLRegularisedOptimum: several rewards. With one it is the same. ``beta`` 1: rewards in nats.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from guerdon.exact.solvers._tables import distribution, kl, positive
from guerdon.exact.solvers.kl_regularised_optimum import LN2, KLRegularisedOptimum
from guerdon.witness import Witness


@dataclass(frozen=True)
class MaxminOptimum:
    beta: float = 1.0

    def __post_init__(self) -> None:
        positive(self.beta, "beta")

    def __call__(self, reward: Tensor, reference: Tensor) -> dict[str, Tensor]:
        from scipy.optimize import minimize

        reward, reference = reward.double(), distribution(reference, "reference")
        groups = len(reward)

        def tilted(weights: np.ndarray) -> Tensor:
            return reference.log() + torch.as_tensor(weights) @ reward / self.beta

        def dual(weights: np.ndarray) -> tuple[float, np.ndarray]:
            logits = tilted(weights)
            return float(self.beta * logits.logsumexp(-1)), (reward @ logits.softmax(-1)).numpy()

        found = minimize(
            dual,
            np.full(groups, 1 / groups),
            jac=True,
            method="SLSQP",
            bounds=[(0, 1)] * groups,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        weights = found.x.clip(0) / found.x.clip(0).sum()
        policy = tilted(weights).softmax(-1)
        expected, apart = reward @ policy, kl(policy, reference)
        return {
            "policy": policy,
            "weights": torch.as_tensor(weights),
            "reward": expected,
            "kl": apart,
            "value": expected.min() - self.beta * apart,
        }


_even = torch.tensor([0.5, 0.5], dtype=torch.float64)
witness = (
    Witness(  # opposite groups: nothing can be given to one that is not taken from the other
        MaxminOptimum(),
        parent=KLRegularisedOptimum(),
        given={"reward": torch.tensor([[1.0, 0.0], [0.0, 1.0]]), "reference": _even},
        returns={"policy": [0.5, 0.5], "weights": [0.5, 0.5], "reward": [0.5, 0.5], "kl": 0.0, "value": 0.5},
    ),
    Witness(  # the second is always better off: the first alone counts, and gets exp(4 ln 2 / 2) = 4 to 1
        MaxminOptimum(beta=2.0),
        parent=MaxminOptimum(),
        given={"reward": torch.tensor([[4 * LN2, 0.0], [4 * LN2 + 5, 5.0]], dtype=torch.float64), "reference": _even},
        returns={
            "policy": [0.8, 0.2],
            "weights": [1.0, 0.0],
            "reward": [3.2 * LN2, 3.2 * LN2 + 5],
            "kl": 2.6 * LN2 - torch.tensor(5.0, dtype=torch.float64).log().item(),
            "value": 3.2 * LN2 - 2 * (2.6 * LN2 - torch.tensor(5.0, dtype=torch.float64).log().item()),
        },
    ),
)
