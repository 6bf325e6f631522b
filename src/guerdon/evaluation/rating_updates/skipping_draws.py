"""Skipping draws: a draw says something of the question, and nothing of the two.

    outcome = 1/2: beliefs stay as they are;        otherwise: those of ``update``

Source: Tang et al. 2025, arXiv 2510.02306, section 3. It fits where draws come from questions that are easy, or of taste; where they come from items that are alike they are told
nothing of it.
Differs from Elo: a draw moves nothing.
"""

from dataclasses import dataclass, field

from guerdon.evaluation.rating_updates import Belief, RatingUpdate
from guerdon.evaluation.rating_updates.elo import Elo
from guerdon.witness import Witness


@dataclass(frozen=True)
class SkippingDraws:
    update: RatingUpdate = field(default_factory=Elo)

    @property
    def start(self) -> Belief:
        return self.update.start

    def __call__(self, first: Belief, second: Belief, outcome: float) -> tuple[Belief, Belief]:
        return (first, second) if outcome == 0.5 else self.update(first, second, outcome)

    def expected(self, first: Belief, second: Belief) -> float:
        return self.update.expected(first, second)

    def rating(self, belief: Belief) -> float:
        return self.update.rating(belief)


witness = Witness(
    SkippingDraws(),
    parent=Elo(),
    given={"first": (1900.0,), "second": (1500.0,), "outcome": 0.5},
    returns=((1900.0,), (1500.0,)),
)
