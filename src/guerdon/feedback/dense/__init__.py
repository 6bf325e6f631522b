"""Dense: prompts and the steps of their answers → a number for each step, a reward that is given where it was earned.

How answers are cut into steps is the recipe's affair (``Recipe.segments``): a step is a text, without what ends it, or, in a finite world, a list of actions. Steps in which
nothing is said are left out before.
"""

from collections.abc import Sequence
from typing import Any, Protocol


class DenseReward(Protocol):
    """``prompts`` and ``steps``, a list for each answer, both of length B → for each answer a list with a finite number for every step."""

    def __call__(self, prompts: Sequence[Any], steps: Sequence[Sequence[Any]]) -> list[list[float]]: ...
