"""Distances: distinct values and how often each was given → how far every two of them lie apart, squared."""

from typing import Protocol

import numpy as np


class Distance(Protocol):
    """``value`` [V], ascending, ``count`` [V] → [V, V], symmetric, 0 on the diagonal."""

    def __call__(self, value: np.ndarray, count: np.ndarray) -> np.ndarray: ...
