"""Gain: a step is labelled with how much likelier it made success, for whoever continues.

    label_k = rate_k - rate_(k-1),   rate_0 = ``start``        rate_k: mean of the outcomes from after step k; from -1 to 1

Whoever continues is a prover: where it is not the policy that took the steps, what it finds likelier is progress that others can use.

Source: Rewarding Progress, Setlur et al. 2024, arXiv 2410.08146 (process advantage verifiers: A(s, a) = Q(s, a) - V(s) under a prover). ``start``: the chance of success before
the first step, where it is known; 0 leaves it in the first label.
Differs from SuccessRate: the change and not the level, so that a step that changes nothing is worth nothing.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.data.step_labels.success_rate import SuccessRate, _given
from guerdon.witness import Witness


@dataclass(frozen=True)
class Gain:
    start: float = 0.0

    def __call__(self, outcomes: Sequence[Sequence[float]]) -> list[float]:
        rates = [self.start, *SuccessRate()(outcomes)]
        return [after - before for before, after in itertools.pairwise(rates)]


witness = (
    Witness(Gain(), parent=SuccessRate(), given=_given, returns=[0.75, -0.5, -0.25]),
    Witness(Gain(start=0.5), parent=Gain(), given=_given, returns=[0.25, -0.5, -0.25]),
)
