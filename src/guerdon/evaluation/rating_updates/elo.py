"""Elo: who wins takes points from who loses, the more the less it was expected.

    expected = 1 / (1 + 10^((second - first) / 400))        first += k (outcome - expected),   second -= k (outcome - expected)

A belief is one number, the rating. A draw counts half a win, so it brings two together.

Source: Elo 1978; ``start`` and ``k`` as for arenas in the code of arXiv 2510.02306 (``k`` 96 there, 4 on leaderboards; 32 in chess).
"""

from dataclasses import dataclass

from guerdon.evaluation.rating_updates import Belief
from guerdon.witness import Witness


@dataclass(frozen=True)
class Elo:
    k: float = 32.0
    start_at: float = 1500.0

    @property
    def start(self) -> Belief:
        return (self.start_at,)

    def __call__(self, first: Belief, second: Belief, outcome: float) -> tuple[Belief, Belief]:
        step = self.k * (outcome - self.expected(first, second))
        return (first[0] + step,), (second[0] - step,)

    def expected(self, first: Belief, second: Belief) -> float:
        return 1 / (1 + 10 ** ((second[0] - first[0]) / 400))

    def rating(self, belief: Belief) -> float:
        return belief[0]


witness = Witness(  # 400 points are odds of 10 to 1
    Elo(), given={"first": (1900.0,), "second": (1500.0,), "outcome": 0.5}, returns=((1900 - 32 * 9 / 22,), (1500 + 32 * 9 / 22,))
)
