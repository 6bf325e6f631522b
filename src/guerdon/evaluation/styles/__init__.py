"""Styles: answers → a number for each, of how it is written and not of what it says."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Style(Protocol):
    """Texts → [N]."""

    def __call__(self, answers: Sequence[str]) -> np.ndarray: ...
