"""Values: a critic's estimate and its target → loss per step, [B, T]. Where the policy's own logits are the estimate, its log-probabilities and what was earned."""

from typing import Protocol

from guerdon.quantities import BT


class ValueLoss(Protocol):
    """Estimate and target, [B, T] each → [B, T]."""

    def __call__(self, value: BT, target: BT) -> BT: ...
