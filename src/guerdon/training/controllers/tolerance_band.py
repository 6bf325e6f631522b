"""Tolerance band: a knob that stays as it is while a statistic is between two bounds, and is moved by how far it is outside.

    outside = observed - high where that is above 0, observed - low where that is below 0, else 0
    value   = clip(value + rate * outside, least, most)

A negative ``rate`` raises the knob where the statistic is too low: at the weight of an entropy bonus, ``{loss: {part: trimmed_entropy}, weight: {part: tolerance_band,
initial: 0.002, low: 0.15, high: 0.24, statistic: trimmed_entropy, rate: -0.002, least: 0.0006, most: 0.009}}``.

Source: AEnt, Shen 2025, arXiv 2509.03493, the update of its coefficient; the numbers above are those of a script for its code. Its pull back to the first value
(0 there) and its start after some steps are left out.
Differs from Integral: nothing is done for a statistic that is good enough.
"""

import math
from dataclasses import dataclass

from guerdon.errors import InputError
from guerdon.training.controllers.integral import Integral
from guerdon.witness import Witness


@dataclass(frozen=True)
class ToleranceBand:
    initial: float
    low: float
    high: float
    statistic: str
    rate: float = 0.1
    least: float = 0.0
    most: float = math.inf

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise InputError(f"tolerance_band: low is {self.low} and high {self.high}; give the lower bound of the statistic as low")
        if not self.least <= self.initial <= self.most:
            raise InputError(
                f"the knob begins at {self.initial} and is to stay between {self.least} and {self.most}; set initial between these"
            )

    def init(self) -> dict[str, float]:
        return {"value": self.initial}

    def __call__(self, observed: float, state: dict[str, float], sequences: int = 1) -> tuple[float, dict[str, float]]:
        outside = min(0.0, observed - self.low) + max(0.0, observed - self.high)
        value = min(max(state["value"] + self.rate * outside, self.least), self.most)
        return value, {"value": value}


def _given(observed: float) -> dict:
    return {"observed": observed, "state": {"value": 1.0}, "sequences": 5}


_band = ToleranceBand(1.0, 2.0, 3.0, "entropy", rate=-0.5)
witness = (
    Witness(_band, parent=Integral(1.0, 2.0, "entropy", rate=-0.5), given=_given(2.5), returns=1.0),
    Witness(_band, parent=ToleranceBand(1.0, 1.5, 3.0, "entropy", rate=-0.5), given=_given(1.0), returns=1.5),
    Witness(_band, parent=ToleranceBand(1.0, 2.0, 4.0, "entropy", rate=-0.5), given=_given(4.0), returns=0.5),
    Witness(ToleranceBand(1.0, 2.0, 3.0, "entropy"), parent=_band, given=_given(4.0), returns=1.1),
    Witness(ToleranceBand(1.0, 2.0, 3.0, "entropy", rate=-0.5, least=0.75), parent=_band, given=_given(4.0), returns=0.75),
    Witness(ToleranceBand(1.0, 2.0, 3.0, "entropy", rate=-0.5, most=1.25), parent=_band, given=_given(1.0), returns=1.25),
)
