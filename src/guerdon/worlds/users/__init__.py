"""Users: worlds of items that are vectors and of people whose tastes differ. A world gives ``features()`` [I, D] and ``utility()`` [U, I], in log-odds; how likely each
verdict is follows: P(u prefers i to j) = sigmoid(utility[u, i] - utility[u, j]).

What a model may see are verdicts, each with the index of who gave it. Users are indices, so that some can be kept for later; so are items.
"""

from typing import Protocol

from torch import Tensor


class World(Protocol):
    """A frozen specification."""

    items: int
    users: int

    def features(self) -> Tensor:
        """[I, D], what is seen of each item."""
        ...

    def utility(self) -> Tensor:
        """[U, I], how much each user likes each item, in log-odds."""
        ...
