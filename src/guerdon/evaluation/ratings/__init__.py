"""Ratings: battles → a rating of each item. Intervals are ``exact.estimators``, which fit a likelihood."""

from typing import Any, Protocol

import numpy as np

from guerdon.errors import InputError


class Rating(Protocol):
    """``first``, ``second`` [N]: indices of the two items, in the order of the battles; ``outcome`` [N]: 1 where the first won, 0 where the second did, 1/2 for a draw; ``items``:
    how many there are; ``topic`` [N]: which prompt or kind of prompt it was about, for those that read it → [M], the higher the better."""

    def __call__(self, first: Any, second: Any, outcome: Any, items: int, topic: Any = None) -> np.ndarray: ...


def battles(first: Any, second: Any, outcome: Any, items: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As arrays.

    Raises:
        InputError: an index or an outcome that cannot be.
    """
    a, b, y = np.asarray(first, dtype=int), np.asarray(second, dtype=int), np.asarray(outcome, dtype=float)
    if not len(a) or not a.shape == b.shape == y.shape:
        raise InputError("a rating takes battles: two items and an outcome for each, as many of one as of the other and at least one")
    if min(a.min(), b.min()) < 0 or max(a.max(), b.max()) >= items or (a == b).any() or ((y < 0) | (y > 1)).any():
        raise InputError(f"a battle is between two different items of 0 to {items - 1}, with an outcome from 0 to 1")
    return a, b, y
