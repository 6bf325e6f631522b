"""Over-optimisation: the curve that gold follows as a policy moves away from where it began, and where it is highest.

    best of n    gain(d) = d (alpha - beta d)           highest at d = alpha / (2 beta)
    RL           gain(d) = d (alpha - beta log d)       highest at d = exp(alpha / beta - 1)

    (alpha, beta) by least squares; returned is (alpha, beta, the d of the highest gain, that gain)        [4]

Shapes: ``distance`` d = sqrt(KL) >= 0 in sqrt(nats), and ``gain``, gold less what it was at d = 0: [K], at two different distances above 0 at least. Where the curve
never turns (beta <= 0, or alpha <= 0 for the best of n, which then falls from the start) the last two are "not known" (NaN).

Source: Gao et al. 2022, arXiv 2210.10760, equations 1 and 2 (as others describe them). That the fit is by least squares, and that it weighs all points alike, is ours.
Differs from GoldAgainstProxy: two numbers say the whole curve, and where it turns that nobody has reached.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.metrics.gold_against_proxy import GoldAgainstProxy
from guerdon.witness import Witness

ROUNDING = 1e-9  # a curve that bends no more than this where it is known is straight
FAR = 50.0  # alpha / beta; beyond it is where nobody gets


@dataclass(frozen=True)
class Overoptimisation:
    by: Literal["best of n", "rl"] = "best of n"

    def __post_init__(self) -> None:
        if self.by not in ("best of n", "rl"):
            raise InputError(f"a curve of over-optimisation is one by best of n or by rl, not {self.by!r}")

    def __call__(self, distance, gain) -> np.ndarray:
        d, value = np.asarray(distance, dtype=float), np.asarray(gain, dtype=float)
        if d.ndim != 1 or d.shape != value.shape or len(np.unique(d[d > 0])) < 2 or not np.isfinite(value).all():
            raise InputError("a curve of over-optimisation takes finite gains at two different distances above 0 at least")
        (alpha, beta), *_ = np.linalg.lstsq(np.stack([d, -self._second(d)], axis=-1), value, rcond=None)
        top = self._top(float(alpha), float(beta), float(d.max()))
        return np.array([alpha, beta, top, float(self.curve(np.array([top]), alpha, beta)[0]) if math.isfinite(top) else math.nan])

    def curve(self, distance: np.ndarray, alpha: float, beta: float) -> np.ndarray:
        """The gain at these distances."""
        return alpha * distance - beta * self._second(distance)

    def _second(self, d: np.ndarray) -> np.ndarray:
        return d**2 if self.by == "best of n" else d * np.log(np.maximum(d, np.finfo(float).tiny))

    def _top(self, alpha: float, beta: float, reach: float) -> float:
        if beta * reach <= ROUNDING * abs(alpha) or (self.by == "best of n" and alpha <= 0):
            return math.nan
        return alpha / (2 * beta) if self.by == "best of n" else math.exp(alpha / beta - 1) if alpha < FAR * beta else math.nan


# 3 d - d^2 is 2, 2 and 0 at 1, 2 and 3, and highest at 3/2; 2 d - d log d is highest at e.
E = math.e
witness = (
    Witness(
        Overoptimisation(),
        given={"distance": [1.0, 2.0, 3.0], "gain": [2.0, 2.0, 0.0]},
        returns=[3, 1, 1.5, 2.25],
        parent=GoldAgainstProxy(1),
    ),
    Witness(
        Overoptimisation("rl"),
        given={"distance": [1.0, E, E**2], "gain": [2.0, E, 0.0]},
        returns=[2, 1, E, E],
        parent=Overoptimisation(),
    ),
)
