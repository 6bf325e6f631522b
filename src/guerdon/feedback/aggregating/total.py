"""Total: an answer is worth the sum of its steps.

    worth = sum over t of step_t

Unbounded: an answer with more steps that look right is worth more, so that steps are repeated for gain.

Source: one of the aggregations compared in Let's Reinforce Step by Step, arXiv 2311.05821; what a step-wise reward comes to without a discount.
Differs from Mean: how many steps there are counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.feedback.aggregating.last_step import _given
from guerdon.feedback.aggregating.mean import Mean
from guerdon.witness import Witness


@dataclass(frozen=True)
class Total:
    def __call__(self, steps: Sequence[float]) -> float:
        return float(sum(steps))


witness = Witness(Total(), parent=Mean(), given=_given, returns=1.5)
