"""Last step: an answer is worth what is said of its end.

    worth = step_T

A model that says of each step whether the answer will come out right knows most at the end; then it is a judge of outcomes.

Source: one of the ways compared in Scaling LLM Test-Time Compute Optimally, arXiv 2408.03314, appendix E, where it does best with labels by Monte Carlo.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.witness import Witness


@dataclass(frozen=True)
class LastStep:
    def __call__(self, steps: Sequence[float]) -> float:
        return float(steps[-1])


_given = {"steps": [0.5, 0.25, 0.75]}
witness = Witness(LastStep(), given=_given, returns=0.75)
