"""Nominal: two values are the same or not.

    d[c, k] = [c != k]        [V, V]

Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability", the nominal difference function.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.witness import Witness


@dataclass(frozen=True)
class Nominal:
    def __call__(self, value, count) -> np.ndarray:
        return 1.0 - np.eye(len(value))


witness = Witness(Nominal(), given={"value": [1.0, 3.0], "count": [2, 5]}, returns=[[0.0, 1.0], [1.0, 0.0]])
