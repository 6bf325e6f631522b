"""Reference points: what is known of a batch → the score at which a sequence is neither good nor bad, one number, for each of its sequences; [B].

A reference point is a constant: no gradient goes through it. It reads scores by name: ``score``, and what a view scores (``mismatched_score``).
"""

from typing import Protocol

from guerdon.quantities import B


class ReferencePoint(Protocol):
    """Scores and columns of all sequences, [B] each → [B], the same number."""

    def __call__(self, **quantities: B) -> B: ...
