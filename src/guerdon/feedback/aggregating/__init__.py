"""Aggregating: what was said of each step of an answer → what that says of the answer, a list of numbers → a number."""

from collections.abc import Sequence
from typing import Protocol


class Aggregating(Protocol):
    """The probabilities that each of one or more steps is right, in their order → a number."""

    def __call__(self, steps: Sequence[float]) -> float: ...
