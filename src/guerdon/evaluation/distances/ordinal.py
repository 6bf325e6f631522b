"""Ordinal: only the order of values counts; two lie as far apart as there are values given between them.

    d[c, k] = (sum of count[g] over g from c to k - (count[c] + count[k]) / 2)^2        [V, V]

Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability", the ordinal difference function.
Differs from Interval: a scale may be stretched anywhere, and a step that nobody uses is none.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.distances.interval import Interval
from guerdon.witness import Witness


@dataclass(frozen=True)
class Ordinal:
    def __call__(self, value, count) -> np.ndarray:
        count = np.asarray(count, dtype=float)
        middle = np.cumsum(count) - count / 2  # of the values given, in order, where each one's share has its middle
        return np.subtract.outer(middle, middle) ** 2


witness = Witness(  # 2 + 1 + 5 - 7/2 between the ends
    Ordinal(),
    parent=Interval(),
    given={"value": [1.0, 3.0, 9.0], "count": [2, 1, 5]},
    returns=[[0.0, 2.25, 20.25], [2.25, 0.0, 9.0], [20.25, 9.0, 0.0]],
)
