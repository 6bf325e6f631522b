"""Maximum: an answer is worth its best step.

    worth = max over t of step_t

One step that looks right is enough, so that whatever else is said costs nothing: a control for the others rather than a way to judge.

Source: one of the aggregations compared in Let's Reinforce Step by Step, arXiv 2311.05821.
Differs from Minimum: the strongest step and not the weakest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.feedback.aggregating.last_step import _given
from guerdon.feedback.aggregating.minimum import Minimum
from guerdon.witness import Witness


@dataclass(frozen=True)
class Maximum:
    def __call__(self, steps: Sequence[float]) -> float:
        return float(max(steps))


witness = Witness(Maximum(), parent=Minimum(), given=_given, returns=0.75)
