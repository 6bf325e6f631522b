"""Reliability: per bin of stated probability, how probable the event was said to be and how often it happened.

    bin b holds the items with  b / bins <= probability < (b + 1) / bins        (1 belongs to the last)
    row b = (mean probability, mean label, number of items); means of an empty bin are NaN        [bins, 3]

Shapes: ``probability``, ``label``: [P].
Source: DeGroot and Fienberg 1983; as used by Guo et al. 2017, arXiv 1706.04599, section 2 (reliability diagrams), with bins closed
on the left so that 0 has one. Default 15 bins: their section 5.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class Reliability:
    bins: int = 15

    def __call__(self, probability, label) -> np.ndarray:
        probability, label = np.asarray(probability, dtype=float), np.asarray(label, dtype=float)
        if not ((probability >= 0) & (probability <= 1)).all():
            raise InputError("calibration takes probabilities, but there is one outside of 0 to 1; put scores through a sigmoid first")
        which = np.minimum((probability * self.bins).astype(int), self.bins - 1)
        count = np.bincount(which, minlength=self.bins)
        with np.errstate(invalid="ignore"):
            means = [np.bincount(which, weights=x, minlength=self.bins) / count for x in (probability, label)]
        return np.stack([*means, count], axis=-1)


_given = {"probability": [0.0, 0.25, 0.5, 1.0], "label": [0, 1, 1, 1]}
witness = (
    Witness(Reliability(2), given=_given, returns=[[0.125, 0.5, 2], [0.75, 1.0, 2]], parent=Reliability(1)),
    Witness(Reliability(2), given={"probability": [0.1], "label": [1]}, returns=[[0.1, 1.0, 1], [float("nan"), float("nan"), 0]]),
)
