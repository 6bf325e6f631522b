"""Rank correlation (Spearman): how well one number orders the items as another does, whatever their scales.

    rho = correlation of the ranks of ``proxy`` and of ``gold``, ties at their mean rank        a number from -1 to 1; nan where either is constant

Source: Spearman 1904, "The proof and measurement of association between two things".
Differs from PairAccuracy: it reads all items together, and by how much one exceeds another in rank.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.metrics.gold_against_proxy import GoldAgainstProxy
from guerdon.witness import Witness


@dataclass(frozen=True)
class RankCorrelation:
    def __call__(self, proxy, gold) -> np.ndarray:
        from scipy.stats import rankdata

        if not len(proxy):  # of nothing, it is not known
            return np.asarray(np.nan)
        first, second = (rankdata(np.asarray(values, dtype=float)) for values in (proxy, gold))
        first, second = first - first.mean(), second - second.mean()
        size = np.sqrt((first @ first) * (second @ second))
        return np.asarray(first @ second / size if size else np.nan)


# Ranks 1, 2, 3, 4 against 1, 2, 4, 3: 1 - 6 * 2 / (4 * 15). With a tie at ranks 2.5: 4.5 / sqrt(5 * 4.5).
witness = (
    Witness(
        RankCorrelation(), given={"proxy": [0.0, 1.0, 5.0, 100.0], "gold": [-3.0, 0.0, 2.0, 1.0]}, returns=0.8, parent=GoldAgainstProxy(1)
    ),
    Witness(
        RankCorrelation(),
        given={"proxy": [0.0, 1.0, 1.0, 9.0], "gold": [1.0, 2.0, 3.0, 4.0]},
        returns=4.5 / 22.5**0.5,
        parent=GoldAgainstProxy(1),
    ),
)
