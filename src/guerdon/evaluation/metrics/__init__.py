"""Metrics: named arrays → one value per item (or per k, or per bin). Averages and intervals are ``statistics``."""

from typing import Any, Protocol

import numpy as np


class Metric(Protocol):
    """Named arrays → array."""

    def __call__(self, **arrays: Any) -> np.ndarray: ...
