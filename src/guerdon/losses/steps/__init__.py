"""Steps: what a model says of each step of an answer, and the verdict on it → loss per step, [B, T], or, where steps are compared with each other, per answer, [B]. The mask is
true where a step ends."""

from typing import Protocol

from guerdon.quantities import BT


class StepLoss(Protocol):
    """``step_score`` and ``step_label``, [B, T] each → [B, T] or [B]."""

    def __call__(self, step_score: BT, step_label: BT) -> BT: ...
