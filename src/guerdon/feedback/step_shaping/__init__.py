"""Step shaping: what is said of each step → the reward of each step, [B, T] → [B, T], where ``mask`` is true at the places at which a step ends.

Steps follow each other in the order of their places, whatever lies between. It is called before the outcome is added.
"""

from typing import Protocol

from guerdon.quantities import BT, Mask


class StepShaping(Protocol):
    """``step_score`` and ``mask``, [B, T] each → [B, T], 0 where ``mask`` is false."""

    def __call__(self, step_score: BT, mask: Mask) -> BT: ...
