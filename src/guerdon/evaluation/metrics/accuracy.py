"""Accuracy: 1 for every item whose answer is the expected one, 0 for the others.

    accuracy = [predicted == expected]        ``predicted``, ``expected``: P items of any comparable kind → [P]

``None`` (no answer could be read) is never right, not even where None is expected: an unreadable answer is not a match.
Source: the definition. Its mean with Wilson's interval: ``statistics.wilson``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class Accuracy:
    def __call__(self, predicted: Sequence, expected: Sequence) -> np.ndarray:
        if len(predicted) != len(expected):
            raise InputError(f"accuracy was given {len(predicted)} answers for {len(expected)} items")
        return np.array([p is not None and bool(p == e) for p, e in zip(predicted, expected, strict=True)], dtype=float)


witness = Witness(Accuracy(), given={"predicted": ["7", "8", None], "expected": ["7", "9", None]}, returns=[1.0, 0.0, 0.0])
