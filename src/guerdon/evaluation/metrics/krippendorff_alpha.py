"""Krippendorff's alpha: how much less annotators differ than values drawn from all that were given would.

    o[c, k] = sum over units of (ordered pairs of its values that are c and k) / (m - 1),  m = how many values the unit has, 2 at least
    n[c] = sum over k of o[c, k],   n = sum over c of n[c]
    alpha = 1 - (n - 1) (sum of o[c, k] d[c, k]) / (sum of n[c] n[k] d[c, k])

1 is agreement, 0 what chance gives, below 0 they differ more than chance would. nan where nothing can be told: no unit has two values, or all values are one.

Shapes: ``rating`` [raters, units], nan where a rater gave none → one number. ``distance`` d: ``evaluation.distances``.
Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability". Default ``distance`` nominal: the one that assumes nothing of the values.
Differs from KendallTau: any number of raters, each of some of the units, corrected for chance, on any scale.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.distances import Distance
from guerdon.evaluation.distances.interval import Interval
from guerdon.evaluation.distances.nominal import Nominal
from guerdon.evaluation.distances.ordinal import Ordinal
from guerdon.evaluation.metrics.kendall_tau import KendallTau
from guerdon.witness import Witness


@dataclass(frozen=True)
class KrippendorffAlpha:
    distance: Distance = Nominal()

    def __call__(self, rating) -> np.ndarray:
        rating = np.asarray(rating, dtype=float)
        if rating.ndim != 2 or np.isinf(rating).any():
            raise InputError(f"alpha takes a table [raters, units] of finite numbers, nan where there is none, and this is {rating.shape}")
        given = ~np.isnan(rating)
        rating, given = (x[:, given.sum(0) > 1] for x in (rating, given))  # who is alone agrees with nobody and differs from nobody
        value, which = np.unique(rating[given], return_inverse=True)
        if len(value) < 2:
            return np.asarray(np.nan)
        unit = np.broadcast_to(np.arange(rating.shape[1]), rating.shape)[given]
        held = np.zeros((rating.shape[1], len(value)))
        np.add.at(held, (unit, which), 1.0)
        weighed = held / (held.sum(1, keepdims=True) - 1)
        together = weighed.T @ held - np.diag(weighed.sum(0))  # a value is no pair with itself
        count = together.sum(0)
        apart = self.distance(value=value, count=count)
        return np.asarray(1 - (count.sum() - 1) * (together * apart).sum() / (count @ apart @ count))


_nan = float("nan")
_scale = [[1.0, 2.0, 3.0, _nan], [1.0, 2.0, 5.0, 4.0]]
witness = (
    Witness(  # o = [[2, 1], [1, 4]]: 2 of 8 differ, and of 56 ordered pairs of all values 30 would
        KrippendorffAlpha(), parent=KendallTau(), given={"rating": [[0, 0, 1, 1], [0, 1, 1, 1]]}, returns=8 / 15
    ),
    Witness(  # a third rater, of two units only; a unit of three values counts each pair half: o = [[2, 1], [1, 5]]
        KrippendorffAlpha(),
        parent=KendallTau(),
        given={"rating": [[0, 0, 1, 1], [0, 1, 1, 1], [_nan, _nan, 1, _nan]]},
        returns=1 - 8 * 2 / (2 * 3 * 6),
    ),
    Witness(  # 4 twice against 2 (2*2*1 + 2*4 + 2*16 + 2*1 + 2*9 + 4); the 4 of one rater alone is not read
        KrippendorffAlpha(Interval()), parent=KrippendorffAlpha(), given={"rating": _scale}, returns=12 / 17
    ),
    Witness(KrippendorffAlpha(Ordinal()), parent=KrippendorffAlpha(Interval()), given={"rating": _scale}, returns=94 / 99),
)
