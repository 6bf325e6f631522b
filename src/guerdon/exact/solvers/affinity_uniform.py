"""Affinity-uniform: the distribution over each player's actions of most affinity entropy, in which copies of an action share the place of one.

    D[i, j] = E (v_i - v_j)^2,    v_i: what action i pays against a profile of the others that is drawn uniformly from their simplices
    K = exp(-D / (2 variance)),   lambda_j = (sum over i of K[i, j]^2)^(-1/2)
    x = argmax over the simplex of 1 - sum over i of (K lambda x)_i^2            of equals the most even

``payoff`` [P, A_1, ..., A_P] → a list of P distributions. Where actions are copies or have nothing in common, x is uniform over the kinds of action, and over the
copies of each: entropy would give a kind with ten copies ten times the weight. The expectation is exact: the second moments of a flat Dirichlet are (1 + [a = b]) / (A (A + 1)).

Source: Liu et al. 2025, arXiv 2502.20170, affinity entropy, at the Tsallis parameter p = 1 of their code (polarix, ``affinity_entropy.py``), whose kernel is the mean of 512
draws and whose ``variance`` is 1e-6. The program is convex in K lambda x and solved as non-negative least squares; which of its solutions is taken is left open there.
An action that lies between others may get nothing, and an equilibrium that may not play it need not exist: a hundredth of x is put in proportion to lambda^2.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

from guerdon.errors import InputError
from guerdon.witness import Witness

_EVEN = 1e-4  # the weight of evenness among solutions that are equal otherwise
_FLOOR = 0.01


@dataclass(frozen=True)
class AffinityUniform:
    variance: float = 1e-6

    def __call__(self, payoff: Tensor) -> list[Tensor]:
        table = payoff.double().numpy()
        if table.ndim != len(table) + 1 or not np.isfinite(table).all():
            raise InputError(f"a game of P players needs finite payoffs [P, A_1, ..., A_P], not of shape {tuple(payoff.shape)}")
        return [torch.from_numpy(self._one(np.moveaxis(own, player, 0))) for player, own in enumerate(table)]

    def _one(self, own: np.ndarray) -> np.ndarray:
        """[A]: of a player whose payoffs are [A, the others' actions ...]."""
        smooth = own
        for axis, count in enumerate(own.shape[1:], start=1):
            smooth = (smooth + smooth.sum(axis, keepdims=True)) / (count * (count + 1))
        gram = own.reshape(len(own), -1) @ smooth.reshape(len(own), -1).T
        square = np.diag(gram)
        apart = np.maximum(square[:, None] + square - 2 * gram, 0.0)
        kernel = np.exp(-np.where(apart < 1e-12 * max(square.max(), 1e-300), 0.0, apart) / (2 * self.variance))
        alone = 1 / (kernel**2).sum(0)  # 1 / n of one of n copies
        seen = kernel * np.sqrt(alone)
        # min |seen x|^2 on the simplex: the direction that minimises |seen x|^2 + (sum x - 1)^2 over x >= 0.
        rows = np.vstack([seen, _EVEN * np.eye(len(own)), np.ones(len(own))])
        found, _ = nnls(rows, np.append(np.zeros(len(rows) - 1), 1.0), maxiter=50 * len(own))
        return (1 - _FLOOR) * found / found.sum() + _FLOOR * alone / alone.sum()


_copied = torch.tensor([[0.0, 0.0, -1.0, 1.0], [0.0, 0.0, -1.0, 1.0], [1.0, 1.0, 0.0, -1.0], [-1.0, -1.0, 1.0, 0.0]])
witness = Witness(  # rock twice, paper, scissors
    AffinityUniform(),
    parent=AffinityUniform(variance=1e6),  # to which all are alike
    given={"payoff": torch.stack([_copied, -_copied])},
    returns=[[1 / 6, 1 / 6, 1 / 3, 1 / 3]] * 2,
)
