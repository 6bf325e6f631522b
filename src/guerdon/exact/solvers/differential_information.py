"""Differential information: what a reference has to learn to become a given policy, as a distribution, and the rejected answers that teach it.

    distribution(y) = (policy(y) / reference(y)) / sum of these over y        [..., S]; Bayes: policy is proportional to reference * distribution
    rejected(y) proportional to reference(y) (reference(y) / policy(y))^beta        [..., S]

If chosen answers are drawn from the reference and rejected ones from ``rejected``, then of a pair of answers the one is the chosen one with
the probability sigmoid(beta log (distribution of the one / distribution of the other)): Bradley-Terry on the log-ratio of policy and
reference, which is what DPO with that ``beta`` assumes. Returns ``distribution``, its ``entropy`` in nats [...] and ``rejected``.

Source: Won et al. 2025, arXiv 2505.23761: definition of the differential information distribution, its form as a likelihood ratio, and the
sampling distribution over rejected responses. Default ``beta`` 1: ours.
Differs from KLRegularisedOptimum: the policy is given, and its reward follows, beta times the log of ``distribution``.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.exact.solvers._tables import distribution, positive
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.witness import Witness


@dataclass(frozen=True)
class DifferentialInformation:
    beta: float = 1.0

    def __post_init__(self) -> None:
        positive(self.beta, "beta")

    def __call__(self, policy: Tensor, reference: Tensor) -> dict[str, Tensor]:
        policy, reference = distribution(policy, "policy", positive=True), distribution(reference, "reference", positive=True)
        ratio = policy.log() - reference.log()
        learned = ratio.softmax(-1)
        return {
            "distribution": learned,
            "entropy": -torch.special.xlogy(learned, learned).sum(-1),
            "rejected": (reference.log() - self.beta * ratio).softmax(-1),
        }


LN2, LN3 = 0.6931471805599453, 1.0986122886681098
_coin = {"policy": torch.tensor([0.5, 0.5], dtype=torch.float64), "reference": torch.tensor([0.25, 0.75], dtype=torch.float64)}
witness = (
    Witness(  # ratios 2 and 2/3; rejected: 1/8 and 9/8
        DifferentialInformation(),
        parent=KLRegularisedOptimum(),
        given=_coin,
        returns={"distribution": [0.75, 0.25], "entropy": 2 * LN2 - 0.75 * LN3, "rejected": [0.1, 0.9]},
    ),
    Witness(  # rejected: 1/16 and 27/16
        DifferentialInformation(beta=2.0),
        parent=DifferentialInformation(),
        given=_coin,
        returns={"distribution": [0.75, 0.25], "entropy": 2 * LN2 - 0.75 * LN3, "rejected": [1 / 28, 27 / 28]},
    ),
)
