"""Gradient step: one step up the Bradley-Terry log-likelihood of the battle, with scores drawn towards 0.

    first, second *= 1 - rate decay;    first += rate (outcome - sigmoid(first - second)),  second -= the same

A belief is one number, the score in nats. A draw is a win of each after the other, half as likely each: two steps, the second from where the first led.

Source: the online Bradley-Terry of the code of Tang et al. 2025, arXiv 2510.02306 (``online_bt.py``), with its ``rate`` and ``decay``.
Differs from Elo: scores shrink, and a draw weighs as much as two battles.
"""

import math
from dataclasses import dataclass

from guerdon.evaluation.rating_updates import Belief
from guerdon.evaluation.rating_updates.elo import Elo
from guerdon.witness import Witness


@dataclass(frozen=True)
class GradientStep:
    rate: float = 0.05
    decay: float = 1e-4

    @property
    def start(self) -> Belief:
        return (0.0,)

    def __call__(self, first: Belief, second: Belief, outcome: float) -> tuple[Belief, Belief]:
        a, b = (value[0] * (1 - self.rate * self.decay) for value in (first, second))
        for said in (1.0, 0.0) if outcome == 0.5 else (outcome,):
            step = self.rate * (said - self.expected((a,), (b,)))
            a, b = a + step, b - step
        return (a,), (b,)

    def expected(self, first: Belief, second: Belief) -> float:
        return 1 / (1 + math.exp(second[0] - first[0]))

    def rating(self, belief: Belief) -> float:
        return belief[0]


LN3 = 1.0986122886681098
_shrunk = GradientStep(rate=0.4, decay=1.0)  # 0.6 of what it was
witness = Witness(
    _shrunk, parent=Elo(), given={"first": (LN3 / 0.6,), "second": (0.0,), "outcome": 0.0}, returns=((LN3 - 0.4 * 0.75,), (0.4 * 0.75,))
)
