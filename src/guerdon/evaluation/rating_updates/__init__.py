"""Rating updates: what is believed of two items, and how their battle ended → what is believed of them then."""

from typing import Protocol

Belief = tuple[float, ...]


class RatingUpdate(Protocol):
    """``first``, ``second``: what is believed of each; ``outcome``: 1 where the first won, 0 where the second did, 1/2 for a draw → the same two, after it."""

    @property
    def start(self) -> Belief:
        """What is believed of an item that nothing is known of."""

    def __call__(self, first: Belief, second: Belief, outcome: float) -> tuple[Belief, Belief]: ...

    def expected(self, first: Belief, second: Belief) -> float:
        """The chance that the first is better, from 0 to 1."""

    def rating(self, belief: Belief) -> float:
        """The number by which items are ranked."""
