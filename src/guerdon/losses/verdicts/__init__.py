"""Verdicts: a score and a verdict on one sequence → loss per sequence, [B]. No pairs, no groups: each item stands for itself."""

from typing import Protocol

from guerdon.quantities import B


class VerdictLoss(Protocol):
    """Score of the sequence, and its label (1 good, 0 bad, or a probability in between), [B] each → [B]."""

    def __call__(self, score: B, label: B) -> B: ...
