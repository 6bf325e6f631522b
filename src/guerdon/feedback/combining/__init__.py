"""Combining: named components → one reward per sequence.

A component is [B]; NaN where a reward does not apply to a sample (its function returned ``None``).
"""

from collections.abc import Mapping
from typing import Protocol

from guerdon.quantities import B


class Combining(Protocol):
    """``components``: name → [B], NaN where not applicable → reward [B]."""

    def __call__(self, components: Mapping[str, B]) -> B: ...
