"""Emphasis: quantities of the acted steps → by what the advantage of each is multiplied, [B, T]; 1 leaves it alone, 0 leaves the step out.

An emphasis may read ``advantage``, what it is to multiply. ``credit.advantages.emphasised`` multiplies. No gradient passes, and where ``mask`` is false it means nothing.
"""

from typing import Protocol

from guerdon.quantities import BT


class Emphasis(Protocol):
    """Any quantities of the acted steps → [B, T]."""

    def __call__(self, **quantities: BT) -> BT: ...
