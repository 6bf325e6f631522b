"""Advantages: rewards → advantage [B, T], zero where ``mask`` is false.

An outcome-level rule gives every acted step of a sequence the same number (``guerdon.steps.spread``). A rule whose output for one group
depends on other groups of the batch says so with ``per_batch: ClassVar[bool] = True``. A rule over time reads ``step_reward``, in which
an outcome is a reward on the last acted step and a penalty of the reward is already taken off; only acted steps are time. A rule may wrap
another (``BatchNormalised(GAE())``) and then needs what that needs.
"""

from typing import Protocol

from guerdon.quantities import BT


class Advantage(Protocol):
    """Rewards ([B] or [B, T]), ``mask``, ``group`` and what else the rule reads → [B, T]."""

    def __call__(self, **quantities: BT) -> BT: ...
