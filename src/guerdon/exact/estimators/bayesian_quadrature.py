"""Bayesian quadrature of a policy gradient: what samples say of E[reward * score], if rewards of sequences with like scores are alike.

    reward = f + noise,  f ~ GP(0, k),  k(i, j) = score_i^T F^+ score_j            F: the Fisher information, E[score score^T]
    mean       = S (K + noise I)^-1 reward                                         [D], S [D, N] the scores, K [N, N] the kernel
    covariance = F - S (K + noise I)^-1 S^T                                        [D, D]

Data: ``score`` [N, D], the gradient of each sequence's log-probability; ``reward`` [N]; ``fisher`` [D, D]. The prior has no mean: subtract
what is known of the rewards' level. Returns a ``Posterior``. With the noise far above the kernel the mean goes to the Monte-Carlo estimate
times N / noise, and with N above the rank of F and little noise to the gradient of the best linear fit. Where F is singular (a softmax does
not feel a shift of its logits) its pseudo-inverse is taken.

Source: Ghavamzadeh and Engel 2007, Bayesian policy gradient algorithms; Ghavamzadeh, Engel and Valko 2016, JMLR 17(66), model 2 (the Fisher
kernel, for which the integrals are known). ``noise`` 1, the variance of what is observed around f: ours, there it is told by the task.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class Posterior:
    """Mean [D] and covariance [D, D] of the gradient."""

    mean: Tensor
    covariance: Tensor


@dataclass(frozen=True)
class BayesianQuadrature:
    noise: float = 1.0

    def __post_init__(self) -> None:
        if self.noise <= 0:
            raise InputError(f"the noise of rewards is a variance above 0, not {self.noise}")

    def __call__(self, score: Tensor, reward: Tensor, fisher: Tensor) -> Posterior:
        kernel = score @ torch.linalg.pinv(fisher, hermitian=True) @ score.T
        solved = torch.linalg.solve(kernel + self.noise * torch.eye(len(score), dtype=score.dtype), torch.cat([reward[:, None], score], 1))
        return Posterior(score.T @ solved[:, 0], fisher - score.T @ solved[:, 1:])


_coin = {  # of a coin with a logit: scores 1/2 and -1/2, Fisher information 1/4; the kernel is 1 and -1
    "score": torch.tensor([[0.5], [-0.5]], dtype=torch.float64),
    "reward": torch.tensor([3.0, 0.0], dtype=torch.float64),
    "fisher": torch.tensor([[0.25]], dtype=torch.float64),
}
witness = (
    Witness(  # (K + I)^-1 is [[2, 1], [1, 2]] / 3
        BayesianQuadrature(),
        given=_coin,
        returns={"mean": [0.5], "covariance": [[1 / 12]]},
    ),
    Witness(  # (K + 2 I)^-1 is [[3, 1], [1, 3]] / 8
        BayesianQuadrature(noise=2.0),
        parent=BayesianQuadrature(),
        given=_coin,
        returns={"mean": [0.375], "covariance": [[0.125]]},
    ),
)
