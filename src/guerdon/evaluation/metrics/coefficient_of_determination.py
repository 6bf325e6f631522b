"""Coefficient of determination: the share of gold's variance that the best straight line in the proxy explains.

    R2 = 1 - sum (gold - a - b proxy)^2 / sum (gold - mean gold)^2,   a, b by least squares        a number from 0 to 1; nan where either is constant

Shapes: ``proxy`` and ``gold`` [N]. Taken over the samples that a filter keeps, it says how far their rewards tell what they are worth: which filter to learn through. It grows
with the spread of what is kept, so that samples of equal reliability far from each other have more of it.

Source: the measure is classical; to choose a filter of samples by it: PF-PPO, Zhang et al. 2024, arXiv 2409.06957, as its abstract describes. Whether rewards are put into bins
before the line is drawn, was not to be had: here they are not.
Differs from RankCorrelation: of values and not of ranks, squared, so that which way the line goes is not told.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.witness import Witness


@dataclass(frozen=True)
class CoefficientOfDetermination:
    def __call__(self, proxy, gold) -> np.ndarray:
        if not len(proxy):  # of nothing, it is not known
            return np.asarray(np.nan)
        x, y = (np.asarray(values, dtype=float) for values in (proxy, gold))
        x, y = x - x.mean(), y - y.mean()
        size = (x @ x) * (y @ y)
        return np.asarray((x @ y) ** 2 / size if size else np.nan)


# Proxies -1, 0, 1 less their mean, golds 1, 1, -2 less theirs: (-3)^2 / (2 * 6). Their ranks, with a tie, have -sqrt(3) / 2.
witness = Witness(
    CoefficientOfDetermination(), given={"proxy": [0.0, 1.0, 2.0], "gold": [3.0, 3.0, 0.0]}, returns=0.75, parent=RankCorrelation()
)
