"""Interval: differences of values count, their square.

    d[c, k] = (value[c] - value[k])^2        [V, V]

Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability", the interval difference function.
Differs from Nominal: 1 and 5 lie farther apart than 4 and 5.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.distances.nominal import Nominal
from guerdon.witness import Witness


@dataclass(frozen=True)
class Interval:
    def __call__(self, value, count) -> np.ndarray:
        value = np.asarray(value, dtype=float)
        return np.subtract.outer(value, value) ** 2


witness = Witness(Interval(), parent=Nominal(), given={"value": [1.0, 3.0], "count": [2, 5]}, returns=[[0.0, 4.0], [4.0, 0.0]])
