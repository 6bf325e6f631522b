"""KL-regularised optimum: the policy that a reward with a KL penalty asks for, and that Bayes' rule gives.

    maximise  E_p[reward] - beta * KL(p || reference)
    p*(y) = reference(y) exp(reward(y) / beta) / Z,   optimum = beta * log Z        per context; [..., S]

Returns ``policy`` [..., S], ``log_partition`` = log Z, ``value`` = the optimum, ``reward`` = E_p*[reward] and ``kl`` (nats), each [...].

Source: Korbak et al. 2022, arXiv 2205.11275; DPO, arXiv 2305.18290, eq. 4. ``beta`` 1: a reward in nats.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.exact.solvers._tables import distribution, kl, positive
from guerdon.witness import Witness


@dataclass(frozen=True)
class KLRegularisedOptimum:
    beta: float = 1.0

    def __post_init__(self) -> None:
        positive(self.beta, "beta")

    def __call__(self, reward: Tensor, reference: Tensor) -> dict[str, Tensor]:
        reference = distribution(reference, "reference")
        tilted = reference.log() + reward.double() / self.beta
        log_partition = tilted.logsumexp(-1)
        policy = (tilted - log_partition.unsqueeze(-1)).exp()
        return {
            "policy": policy,
            "log_partition": log_partition,
            "value": self.beta * log_partition,
            "reward": (policy * reward.double()).sum(-1),
            "kl": kl(policy, reference),
        }


LN2 = 0.6931471805599453
_one = {"reference": torch.tensor([2 / 3, 1 / 3], dtype=torch.float64)}
witness = (
    Witness(  # weights 2/3 and 4/3, Z = 2
        KLRegularisedOptimum(),
        parent=KLRegularisedOptimum(beta=2.0),
        given=_one | {"reward": torch.tensor([0.0, 2 * LN2], dtype=torch.float64)},
        returns={"policy": [1 / 3, 2 / 3], "log_partition": LN2, "value": LN2, "reward": 4 / 3 * LN2, "kl": LN2 / 3},
    ),
    Witness(
        KLRegularisedOptimum(beta=2.0),
        parent=KLRegularisedOptimum(),
        given=_one | {"reward": torch.tensor([0.0, 4 * LN2], dtype=torch.float64)},
        returns={"policy": [1 / 3, 2 / 3], "log_partition": LN2, "value": 2 * LN2, "reward": 8 / 3 * LN2, "kl": LN2 / 3},
    ),
)
