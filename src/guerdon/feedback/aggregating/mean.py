"""Mean: an answer is worth what its steps are on average.

    worth = mean over t of step_t

One bad step of many costs little: it suits labels of progress better than labels of correctness.

Source: one of the ways compared in Scaling LLM Test-Time Compute Optimally, arXiv 2408.03314, appendix E, and in The Lessons of Developing Process Reward Models, arXiv 2501.07301.
Differs from Minimum: the other steps count too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.feedback.aggregating.last_step import _given
from guerdon.feedback.aggregating.minimum import Minimum
from guerdon.witness import Witness


@dataclass(frozen=True)
class Mean:
    def __call__(self, steps: Sequence[float]) -> float:
        return sum(steps) / len(steps)


witness = Witness(Mean(), parent=Minimum(), given=_given, returns=0.5)
