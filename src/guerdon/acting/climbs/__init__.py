"""Climbs: a point, ways to change it and somebody who compares two → a better point, within so many comparisons.

Points are whatever ``propose`` and ``prefer`` understand: a text, a program, a choice for each of many places. What is better is never said as a number.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

Propose = Callable[
    [Any, int | None, Sequence[Any]], Any
]  # a point, the level at which it may be changed (None: anywhere), points to make use of → another point
Prefer = Callable[[Any, Any], bool]  # whether the first is better than the second; may err, and differ when it is asked again


class Climb(Protocol):
    """``budget``: how often ``prefer`` may be asked → the point that is thought to be the best."""

    def __call__(self, start: Any, propose: Propose, prefer: Prefer, budget: int) -> Any: ...


class Counted:
    """``prefer``, which may be asked so many times; after that nothing is preferred to anything."""

    def __init__(self, prefer: Prefer, budget: int) -> None:
        self.prefer, self.left = prefer, budget

    def __call__(self, first: Any, second: Any) -> bool:
        if self.left <= 0:
            return False
        self.left -= 1
        return bool(self.prefer(first, second))
