"""Scores: what is compared of one side of a pair → one number per sequence.

A score is written for *one* side, with unprefixed names (``logp``, ``ref_logp``, ``mask``); ``Pairwise`` asks for it
on both sides. What is known of the side that it is compared with has the name ``other_...`` (``other_mask``).
"""

from typing import Protocol

from guerdon.quantities import BT, B


class Score(Protocol):
    """Quantities of one side, [B, T] or [B] → [B]."""

    def __call__(self, **quantities: BT) -> B: ...
