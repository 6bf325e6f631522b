"""Surrogates: log-probabilities and advantage → loss per step, whose gradient is (an estimate of) the policy gradient.

A surrogate returns [B, T] and never averages. What it returns where ``mask`` is false does not matter: the reduction
gives those steps no weight. A surrogate that sums over steps multiplies by ``mask`` itself.

``silent_without`` names the quantity without which a sequence is silent: where it is 0 at every acted step, the loss is 0 and has no gradient, whatever
the rest. The learner computes nothing for such sequences.
"""

from typing import ClassVar, Protocol

from guerdon.quantities import BT


class Surrogate(Protocol):
    """Any quantities of the acted steps → [B, T]."""

    silent_without: ClassVar[str]

    def __call__(self, **quantities: BT) -> BT: ...
