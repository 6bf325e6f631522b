"""Max at k: the expected best reward of k answers, estimated from n >= k answers to each problem.

    max@k = sum_i C(i - 1, k - 1) / C(n, k) * r_(i)        r_(1) <= ... <= r_(n): r_(i) is the best of C(i - 1, k - 1) subsets

Shapes: ``reward`` [P, n]; the result is [P], in the unit of the reward.
Source: Bagirov et al. 2025, arXiv 2510.23393 (the estimator of E[max of k], without bias because each subset of k counts once).
Differs from PassAtK: any reward; with rewards 0 and 1 it is PassAtK.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class MaxAtK:
    k: int = 1

    def __call__(self, reward) -> np.ndarray:
        reward = np.asarray(reward, dtype=float)
        if reward.ndim != 2 or not 1 <= self.k <= reward.shape[1]:
            raise InputError(f"max@{self.k} takes rewards of shape problems x answers with at least {self.k} answers, not {reward.shape}")
        return np.sort(reward, axis=-1) @ self.weights(reward.shape[1])

    def weights(self, n: int) -> np.ndarray:
        """[n], of the rewards in ascending order: the share of the subsets of k of which each is the best."""
        ranks = np.arange(n, self.k, -1)  # weight(i - 1) = weight(i) * (i - k) / (i - 1), from weight(n) = k / n
        falling = np.concatenate([[self.k / n], self.k / n * np.cumprod((ranks - self.k) / (ranks - 1))])
        return np.concatenate([np.zeros(self.k - 1), falling[::-1]])


# The pairs of (1, 2, 4) have the maxima 2, 4 and 4.
witness = Witness(MaxAtK(2), given={"reward": [[4.0, 1.0, 2.0], [0.0, 0.0, 3.0]]}, returns=[10 / 3, 2.0], parent=MaxAtK(1))
