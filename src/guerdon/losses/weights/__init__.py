"""Weights: what is known of a pair → how much it counts, [N], without a gradient.

A weight reads the quantities of both sides by their full names (``chosen_logp``, ``rejected_mask``), and their scores.
"""

from typing import Protocol

from guerdon.quantities import N


class Weight(Protocol):
    """Quantities and scores of both sides, columns of the pair → [N]."""

    def __call__(self, **quantities: N) -> N: ...
