"""Surrogates: log-probabilities and advantage → loss per step, whose gradient is (an estimate of) the policy gradient.

A surrogate returns [B, T] and never averages. What it returns where ``mask`` is false does not matter: the reduction
gives those steps no weight. A surrogate that sums over steps multiplies by ``mask`` itself.
"""

from typing import Protocol

from guerdon.quantities import BT


class Surrogate(Protocol):
    """Any quantities of the acted steps → [B, T]."""

    def __call__(self, **quantities: BT) -> BT: ...
