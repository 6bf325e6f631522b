"""Comparisons (links): the scores of the two sides → loss per pair.

``chosen_score`` and ``rejected_score`` are [N], in whatever unit the score has. A comparison never averages. What a view scores
(``chosen_ref_score``) is asked for by name.
"""

from typing import Protocol

from guerdon.quantities import N


class Comparison(Protocol):
    """Scores of the two sides, [N] each, and columns of the pair → [N]."""

    def __call__(self, chosen_score: N, rejected_score: N) -> N: ...
