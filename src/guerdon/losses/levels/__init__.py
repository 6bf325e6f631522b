"""Levels: over what a log-ratio is taken together → the log-ratio that each step then has, [B, T], 0 where the mask is false.

Without a level each step has its own. A level is a choice of a correction (``losses.corrections``), whatever that then makes of the ratio.
"""

from typing import Protocol

from guerdon.quantities import BT, Mask


class Level(Protocol):
    """``log_ratio`` [B, T] and ``mask`` → [B, T], the same at all acted steps of a sequence."""

    def __call__(self, log_ratio: BT, mask: Mask) -> BT: ...
