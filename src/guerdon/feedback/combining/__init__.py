"""Combining: named components → one reward per sequence.

A component is [B]; NaN where a reward does not apply to a sample (its function returned ``None``).
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from guerdon.quantities import B


class Combining(Protocol):
    """``components``: name → [B], NaN where not applicable → reward [B]."""

    def __call__(self, components: Mapping[str, B]) -> B: ...


def watched_by(combining: Combining, names: Iterable[str]) -> frozenset[str]:
    """Which of the named components are measured and never learned from: what a combining that leaves some out says by ``only_watched``."""
    said = getattr(combining, "only_watched", None)
    return frozenset() if said is None else frozenset(said(names))
