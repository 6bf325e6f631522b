"""Imitation: log-probabilities of demonstrated steps → loss per step, [B, T]."""

from typing import Protocol

from guerdon.quantities import BT


class Imitation(Protocol):
    """Log-probabilities of what the demonstrator did, [B, T] → [B, T]."""

    def __call__(self, logp: BT) -> BT: ...
