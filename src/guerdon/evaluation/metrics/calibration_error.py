"""Expected calibration error: how far stated probabilities are from frequencies, on average over the items.

    ece = sum_b count_b / P * |mean label_b - mean probability_b|        over the bins of Reliability; a number

Source: Naeini et al. 2015; Guo et al. 2017, arXiv 1706.04599, eq. 3, for the probability of the event that is predicted. Default
15 bins: their section 5. The error of a finite sample is biased upwards: a perfectly calibrated scorer does not get 0.
Differs from Reliability: one number; from Brier: a scorer that always says the base rate gets 0.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.metrics.brier import Brier
from guerdon.evaluation.metrics.reliability import Reliability
from guerdon.witness import Witness


@dataclass(frozen=True)
class CalibrationError:
    bins: int = 15

    def __call__(self, probability, label) -> np.ndarray:
        stated, happened, count = Reliability(self.bins)(probability, label).T
        if not count.any():  # of nothing, it is not known
            return np.asarray(np.nan)
        return np.nansum(count * np.abs(stated - happened)) / count.sum()


# Two bins of two items: |1/8 - 1/2| and |3/4 - 1/2|. In one bin what is said too low makes up for what is said too high.
_given = {"probability": [0.0, 0.25, 0.5, 1.0], "label": [1, 0, 0, 1]}
witness = (
    Witness(CalibrationError(2), given=_given, returns=0.3125, parent=Brier()),
    Witness(CalibrationError(1), given=_given, returns=0.0625, parent=CalibrationError(2)),
)
