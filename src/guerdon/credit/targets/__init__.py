"""Targets: rewards and the critic's values → what a value estimate is regressed on [B, T], zero where ``mask`` is false.

The critic before the update is ``old_value``: a target is fixed while the critic learns towards it.
"""

from typing import Protocol

from guerdon.quantities import BT


class Target(Protocol):
    """Rewards, ``old_value`` and ``mask`` [B, T] → [B, T], in units of reward."""

    def __call__(self, **quantities: BT) -> BT: ...
