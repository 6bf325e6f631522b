"""Integral: hold a statistic at its target by adding to the knob what is missing, step by step.

    value = clip(value + rate * (observed - target), least, most)

A positive ``rate`` raises the knob where the statistic is too high (a penalty), a negative one where it is too low (a temperature that is to keep up the entropy: with
``statistic: sampling/logp``, which is minus the entropy of what was drawn, the rate is positive).

Source: the dual ascent of a Lagrange multiplier, as in Constrained RLHF, arXiv 2310.04373, and the temperature of soft actor-critic,
arXiv 1812.05905, without a logarithm.
Differs from AdaptiveCoefficient: it adds where that multiplies, so that a value may come to 0 and leave it, and targets may be negative.
"""

import math
from dataclasses import dataclass

from guerdon.errors import InputError
from guerdon.training.controllers.adaptive_coefficient import AdaptiveCoefficient
from guerdon.witness import Witness


@dataclass(frozen=True)
class Integral:
    initial: float
    target: float
    statistic: str
    rate: float = 0.1
    least: float = 0.0
    most: float = math.inf

    def __post_init__(self) -> None:
        if not self.least <= self.initial <= self.most:
            raise InputError(
                f"the knob begins at {self.initial} and is to stay between {self.least} and {self.most}; set initial between these"
            )

    def init(self) -> dict[str, float]:
        return {"value": self.initial}

    def __call__(self, observed: float, state: dict[str, float], sequences: int = 1) -> tuple[float, dict[str, float]]:
        value = min(max(state["value"] + self.rate * (observed - self.target), self.least), self.most)
        return value, {"value": value}


_given = {"observed": 4.0, "state": {"value": 1.0}, "sequences": 5}
witness = (
    Witness(Integral(1.0, 2.0, "kl"), parent=AdaptiveCoefficient(target=2.0, horizon=10), given=_given, returns=1.2),
    Witness(Integral(1.0, 2.0, "kl", rate=-0.25), parent=Integral(1.0, 2.0, "kl"), given=_given, returns=0.5),
    Witness(Integral(1.0, 2.0, "kl", most=1.05), parent=Integral(1.0, 2.0, "kl"), given=_given, returns=1.05),
    Witness(Integral(1.0, 2.0, "kl", rate=-2.0, least=0.2), parent=Integral(1.0, 2.0, "kl", rate=-2.0), given=_given, returns=0.2),
)
