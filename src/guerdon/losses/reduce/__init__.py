"""Reductions: which step counts how much → weights [B, T]; the loss is ``sum(weights * loss)``.

Every averaging rule in use is linear in the loss, so a reduction returns *weights* rather than a number. They are computed once, on the
whole batch, before it is split: a micro-batch then contributes ``sum(weights * loss)`` of its rows, and neither the gradient nor any
metric can depend on how the batch was split. A loss per pair or per sequence is one of a single step: its mask is [N, 1]. A sequence
without an acted step counts as absent.
"""

from typing import Protocol

from guerdon.quantities import BT, Mask


class Reduction(Protocol):
    """``mask`` [B, T] (and ``group`` [B] where the rule reads it) → weights [B, T], zero where ``mask`` is false."""

    def __call__(self, mask: Mask) -> BT: ...
