"""Brier score: the squared distance of a probability from what happened; 0 is perfect, 1/4 is what "one half" always gets.

    brier = (probability - label)^2        ``probability``, ``label``: [P] → [P]

Source: Brier 1950, Verification of Forecasts Expressed in Terms of Probability, Monthly Weather Review 78, eq. 2 (for two classes,
of which one is counted, so half of his sum over both).
"""

from dataclasses import dataclass

import numpy as np

from guerdon.witness import Witness


@dataclass(frozen=True)
class Brier:
    def __call__(self, probability, label) -> np.ndarray:
        return (np.asarray(probability, dtype=float) - np.asarray(label, dtype=float)) ** 2


witness = Witness(Brier(), given={"probability": [1.0, 0.5, 0.25], "label": [1, 0, 1]}, returns=[0.0, 0.25, 0.5625])
