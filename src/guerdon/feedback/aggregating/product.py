"""Product: an answer is right if all of its steps are, each for itself.

    worth = prod over t of step_t

Longer answers are worth less, whatever is said of their steps.

Source: Let's Verify Step by Step, arXiv 2305.20050, section 2.6 (the probability that every step is correct).
Differs from LastStep: no step is forgotten.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.feedback.aggregating.last_step import LastStep, _given
from guerdon.witness import Witness


@dataclass(frozen=True)
class Product:
    def __call__(self, steps: Sequence[float]) -> float:
        return math.prod(steps)


witness = Witness(Product(), parent=LastStep(), given=_given, returns=0.09375)
