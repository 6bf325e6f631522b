"""Explained by style: the share of what a scorer says of pairs that differences of style alone would say as well.

    R2 = 1 - |m - D w|^2 / |m|^2        w = argmin |m - D w|^2, without an intercept: the two answers could be exchanged

``margin`` [N]: score of one answer less that of the other; ``difference`` [N, D]: the same of each style. 0: nothing, 1: all. NaN where all margins are 0. With D styles
and N pairs about D / N is found where there is nothing.

Source: ours; a linear stand-in for the logistic regression on differences of style of the Chatbot Arena (Li, Angelopoulos and Chiang 2024, "Does style matter?"), whose
question is what people would say without style.
Differs from RankCorrelation: several styles at once, and how much of the margin's square, not of its order.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.witness import Witness


@dataclass(frozen=True)
class ExplainedByStyle:
    def __call__(self, margin, difference) -> np.ndarray:
        m, d = np.asarray(margin, dtype=float), np.asarray(difference, dtype=float)
        whole = m @ m
        if not whole:
            return np.asarray(np.nan)
        size = np.abs(d).max(0)
        d = d[:, size > 0] / size[size > 0]
        rest = m - d @ np.linalg.lstsq(d, m, rcond=None)[0] if d.shape[1] else m
        return np.asarray(1.0 - (rest @ rest) / whole)


# Of the margin (1, 1, 1, -1) the first style has (1, 1, 0, 0), its projection is half of the square, and the second, which is always 0, nothing.
witness = Witness(
    ExplainedByStyle(),
    given={"margin": [1, 1, 1, -1], "difference": [[5, 0], [5, 0], [0, 0], [0, 0]]},
    returns=0.5,
    parent=RankCorrelation(),
)
