"""Wilson's interval: a proportion with an interval that stays within 0 and 1 and is right for few items, too.

    p = mean(values), S items, z the normal quantile of (1 + confidence) / 2
    centre = (p + z^2 / 2S) / (1 + z^2 / S),    half = z / (1 + z^2 / S) * sqrt(p (1 - p) / S + z^2 / 4S^2)

``values``: [S], 0 or 1 (right or wrong) of independent items. Halves (ties) are allowed; the interval is then wider than needed.
Source: Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22. Default 0.95: convention.
Differs from BootstrapMean: when all answers are right, it does not claim to be certain.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from guerdon.errors import InputError
from guerdon.evaluation.statistics import Estimate
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.witness import Witness


@dataclass(frozen=True)
class Wilson:
    confidence: float = 0.95

    def __call__(self, values) -> Estimate:
        values = np.asarray(values, dtype=float)
        if values.ndim != 1 or not len(values) or not ((values >= 0) & (values <= 1)).all():
            raise InputError("Wilson's interval takes at least one value, each between 0 (wrong) and 1 (right)")
        size, p = len(values), float(values.mean())
        z2 = float(stats.norm.ppf((1 + self.confidence) / 2)) ** 2
        centre = (p + z2 / (2 * size)) / (1 + z2 / size)
        half = math.sqrt(z2 * (p * (1 - p) / size + z2 / (4 * size**2))) / (1 + z2 / size)
        return Estimate(p, max(0.0, centre - half), min(1.0, centre + half))


# At the confidence of one standard deviation z = 1; four of four: centre = (1 + 1/8) / (5/4) = 0.9, half = (1/8) / (5/4) = 0.1.
ONE_SIGMA = 0.6826894921370859
witness = Witness(Wilson(ONE_SIGMA), given={"values": [1, 1, 1, 1]}, returns=(1.0, 0.8, 1.0), parent=BootstrapMean(ONE_SIGMA))
