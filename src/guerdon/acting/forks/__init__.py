"""Forks: what was drawn → how much each step is worth a fork before it: [B, T], higher is better, -inf for never.

A part reads what a sampler knows of its rollouts while it draws: ``mask``, ``action``, ``old_logp`` and ``uniform``, a random number for each step. ``acting.samplers.forking``
takes the best of each tree, or all that may be.
"""

from typing import Protocol

from guerdon.quantities import BT


class Fork(Protocol):
    """``mask`` [B, T] and what else it reads → [B, T]."""

    def __call__(self, **quantities: BT) -> BT: ...
