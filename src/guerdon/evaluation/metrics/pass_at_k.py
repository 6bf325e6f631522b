"""Pass at k: the probability that at least one of k answers is right, estimated from n >= k answers to each problem.

    pass@k = 1 - C(n - c, k) / C(n, k) = 1 - prod_{i = n - c + 1}^{n} (1 - k / i)        c right answers of n; 1 where n - c < k

Shapes: ``successes`` [P] (c), ``samples`` a number or [P] (n); the result is [P]. The product is summed in logarithms, so that it
neither overflows nor loses the digits of a small probability.
Source: Chen et al. 2021 (Codex), arXiv 2107.03374, eq. 1.
Differs from the rate c / n, which is pass@1: for k > 1, putting it into 1 - (1 - c/n)^k is biased low.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class PassAtK:
    k: int = 1

    def __call__(self, successes, samples) -> np.ndarray:
        c = np.asarray(successes, dtype=np.int64)
        n = np.broadcast_to(np.asarray(samples, dtype=np.int64), c.shape)
        if self.k < 1 or (n < self.k).any():
            raise InputError(
                f"pass@{self.k} needs at least {max(self.k, 1)} answers to each problem, but there is one with {n.min(initial=0)}"
            )
        if (c < 0).any() or (c > n).any():
            raise InputError("pass@k was given a problem with more right answers than answers, or fewer than none")
        factors = np.arange(c.max(initial=0))  # the i-th from the top, n - factor
        counted = factors < np.minimum(c, n - self.k)[:, None]
        terms = np.log1p(-self.k / np.where(counted, n[:, None] - factors, 2 * self.k))
        return np.where(n - c < self.k, 1.0, -np.expm1(np.where(counted, terms, 0.0).sum(-1)))


# n = 4, k = 2: one right answer is in 3 of the 6 pairs, two in 5, three in all.
witness = Witness(PassAtK(2), given={"successes": [0, 1, 2, 3], "samples": 4}, returns=[0.0, 1 / 2, 5 / 6, 1.0], parent=PassAtK(1))
