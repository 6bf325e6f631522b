"""Any success: a step is right if somebody can still get it right from there.

    label_k = 1 where more than ``above`` of the continuations from after step k came out right, else 0

Source: Math-Shepherd, arXiv 2312.08935, eq. 3 (hard estimation, ``above`` 0: at least one of them). An outcome counts as right from 1/2 on.
Differs from SuccessRate: a verdict and no rate; luck in any continuation makes a step right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.data.step_labels.success_rate import SuccessRate, _given
from guerdon.witness import Witness


@dataclass(frozen=True)
class AnySuccess:
    above: float = 0.0

    def __call__(self, outcomes: Sequence[Sequence[float]]) -> list[float]:
        return [float(sum(outcome >= 0.5 for outcome in own) / len(own) > self.above) for own in outcomes]


witness = (
    Witness(AnySuccess(), parent=SuccessRate(), given=_given, returns=[1.0, 1.0, 0.0]),
    Witness(AnySuccess(above=0.5), parent=AnySuccess(), given=_given, returns=[1.0, 0.0, 0.0]),
)
