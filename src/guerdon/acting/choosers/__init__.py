"""Choosers: candidates of one prompt, and scores → the index of the one that is given out."""

from collections.abc import Hashable, Sequence
from typing import Protocol


class Chooser(Protocol):
    """``answers``: what each of K candidates concludes (hashable, None where it concludes nothing); ``scores``: K
    numbers → index in 0..K-1."""

    def __call__(self, answers: Sequence[Hashable], scores: Sequence[float]) -> int: ...
