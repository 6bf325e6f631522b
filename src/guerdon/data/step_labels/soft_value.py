"""Soft value: a step is labelled with the value of its prefix where going on is regularised by its KL to whoever continues.

    label_k = 1 / eta * log mean of exp(eta * outcome)        over the continuations from after step k, in units of the outcome

That is what the best policy of E[outcome] - KL / eta earns from there, the price taken off. Small ``eta``: the mean; large: the best outcome.

Source: ER-PRM, Zhang et al. 2024, arXiv 2412.11006: the abstract and summaries; ``eta`` 2 is ours. The optimum of a KL-regularised MDP, Ziebart 2010.
Differs from SuccessRate: outcomes that are seldom reached count for more.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.data.step_labels.success_rate import SuccessRate
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class SoftValue:
    eta: float = 2.0

    def __post_init__(self) -> None:
        if self.eta <= 0:
            raise InputError(
                f"soft_value: eta is {self.eta:g} and must be above 0 (small for the mean of the outcomes, large for the best)"
            )

    def __call__(self, outcomes: Sequence[Sequence[float]]) -> list[float]:
        return [self._one(own) for own in outcomes]

    def _one(self, own: Sequence[float]) -> float:
        best = max(own)
        return best + math.log(sum(math.exp(self.eta * (outcome - best)) for outcome in own) / len(own)) / self.eta


_LN3 = 1.0986122886681098
witness = (
    Witness(  # e^(eta * 1) is 3: (3 + 1) / 2 = 2, and log_3 of it
        SoftValue(eta=_LN3),
        parent=SuccessRate(),
        given={"outcomes": [[1, 0], [1, 1], [0, 0]]},
        returns=[0.6931471805599453 / _LN3, 1.0, 0.0],
    ),
)
