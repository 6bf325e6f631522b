"""Choosers: candidates of one prompt, and scores → the index of the one that is given out."""

from collections.abc import Hashable, Sequence
from typing import Protocol

from guerdon.errors import InputError


class Chooser(Protocol):
    """``answers``: what each of K candidates concludes (hashable, None where it concludes nothing); ``scores``: K
    numbers → index in 0..K-1. A candidate without an answer is chosen only where none has one; of equals the first wins."""

    def __call__(self, answers: Sequence[Hashable], scores: Sequence[float]) -> int: ...


def eligible(answers: Sequence[Hashable], scores: Sequence[float]) -> list[int]:
    """The candidates that may be chosen: those with an answer, or all where none has one.

    Raises:
        InputError: there is no candidate, or not one score for each.
    """
    if len(answers) == 0 or len(answers) != len(scores):
        raise InputError(
            f"a choice needs at least one candidate and one score for each, not {len(answers)} answers and {len(scores)} scores"
        )
    return [i for i, answer in enumerate(answers) if answer is not None] or list(range(len(answers)))
