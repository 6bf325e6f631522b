"""Gold of the best: what the best of n answers by one reward is worth by another, estimated from N >= n answers to each problem.

    gold@n = sum_i C(i - 1, n - 1) / C(N, n) * gold_(i)        proxy_(1) <= ... <= proxy_(N): answer (i) is the best of C(i - 1, n - 1) subsets

Shapes: ``proxy`` and ``gold`` [P, N]; the result is [P], in the unit of gold. Of answers with equal proxies any may be taken, so that each counts their mean weight.
Source: Nakano et al. 2021, arXiv 2112.09332, appendix I, used by Gao et al. 2022, arXiv 2210.10760 (both as others describe them); without bias, since each subset of n
counts once.
Differs from MaxAtK: what is chosen by is not what is counted; where both are the same it is MaxAtK.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.metrics.max_at_k import MaxAtK
from guerdon.witness import Witness


@dataclass(frozen=True)
class GoldOfBest:
    n: int = 1

    def __call__(self, proxy, gold) -> np.ndarray:
        proxy, gold = np.asarray(proxy, dtype=float), np.asarray(gold, dtype=float)
        if proxy.ndim != 2 or proxy.shape != gold.shape or not 1 <= self.n <= proxy.shape[1]:
            raise InputError(
                f"the gold of the best of {self.n} takes proxies and golds of shape problems x answers with at least {self.n} answers, not {proxy.shape} and {gold.shape}"
            )
        weights = MaxAtK(self.n).weights(proxy.shape[1])
        return np.array([_of_one(weights, p, g) for p, g in zip(proxy, gold, strict=True)])


def _of_one(weights: np.ndarray, proxy: np.ndarray, gold: np.ndarray) -> float:
    _, which, count = np.unique(proxy, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    shared = np.array([weights[end - size : end].mean() for end, size in zip(ends, count, strict=True)])
    return float(shared[which] @ gold)


# The pairs of proxies (4, 1, 2) are won by the first, the first and the third; of the two equal ones either may be taken.
_given = {"proxy": [[4.0, 1.0, 2.0], [1.0, 1.0, 0.0]], "gold": [[0.0, 9.0, 3.0], [2.0, 4.0, 7.0]]}
witness = (
    Witness(GoldOfBest(2), given=_given, returns=[1.0, 3.0], parent=MaxAtK(2)),
    Witness(GoldOfBest(1), given=_given, returns=[4.0, 13 / 3], parent=GoldOfBest(2)),
)
