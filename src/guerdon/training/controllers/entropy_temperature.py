"""Entropy temperature: the temperature of drawing follows the entropy, so that it stays where it was at first.

    target       = mean entropy of the first ``first_steps`` steps
    temperature *= 1 + temperature * log(target / entropy) / (log V + log log V)

The step is what would bring the entropy back where logits are those of V equally likely candidates. Entropy is that of what was drawn, at the temperature at which it was: minus
the mean log-probability, ``sampling/logp``, which is logged anyway.

Source: E3-RL4LLMs, Liao et al. 2025, arXiv 2505.18573, and its code (``TemperatureScheduler``; the entropy of the policy's distributions there, of which this is the estimate; its
annealing of the target is left out). ``first_steps`` 1: the same. ``vocabulary`` has no default: it is the model's.
Differs from Integral: it multiplies, by a step that follows from the vocabulary, and finds its target.
"""

import math
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.training.controllers.integral import Integral
from guerdon.witness import Witness


@dataclass(frozen=True)
class EntropyTemperature:
    vocabulary: int
    initial: float = 1.0
    first_steps: int = 1
    least: float = 0.1
    most: float = 2.0
    statistic: str = "sampling/logp"

    def __post_init__(self) -> None:
        if self.vocabulary < 3:
            raise InputError(f"the vocabulary has {self.vocabulary} entries; the step of the temperature is defined from 3 on")
        if not 0 < self.least <= self.initial <= self.most:
            raise InputError(
                f"the temperature begins at {self.initial} and is to stay between {self.least} and {self.most}; set initial between these, all above 0"
            )

    def init(self) -> dict[str, Any]:
        return {"value": self.initial, "first": []}

    def __call__(self, observed: float, state: dict[str, Any], sequences: int = 1) -> tuple[float, dict[str, Any]]:
        entropy = max(-observed, 1e-6)
        if len(state["first"]) < self.first_steps:
            return state["value"], {**state, "first": [*state["first"], entropy]}
        target = sum(state["first"]) / len(state["first"])
        step = math.log(target / entropy) / (math.log(self.vocabulary) + math.log(math.log(self.vocabulary)))
        value = min(max(state["value"] * (1 + state["value"] * step), self.least), self.most)
        return value, {**state, "value": value}


_size = math.log(16) + math.log(math.log(16))
_given = {"observed": -1.0, "state": {"value": 1.0, "first": [2.0]}}
witness = (
    Witness(EntropyTemperature(16), parent=Integral(1.0, -2.0, "sampling/logp"), given=_given, returns=1 + math.log(2) / _size),
    Witness(EntropyTemperature(16, most=1.1), parent=EntropyTemperature(16), given=_given, returns=1.1),
    Witness(
        EntropyTemperature(16, least=0.9, initial=1.0),
        parent=EntropyTemperature(16),
        given={"observed": -8.0, "state": {"value": 1.0, "first": [2.0]}},
        returns=0.9,
    ),
    Witness(EntropyTemperature(16, first_steps=2), parent=EntropyTemperature(16), given=_given, returns=1.0),
    Witness(
        EntropyTemperature(64),
        parent=EntropyTemperature(16),
        given=_given,
        returns=1 + math.log(2) / (math.log(64) + math.log(math.log(64))),
    ),
)
