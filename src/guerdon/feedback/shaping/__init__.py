"""Shaping: reward → reward, [B] → [B].

A rule whose output for one sequence depends on other groups of the batch says ``per_batch: ClassVar[bool] = True``;
one that remembers earlier batches carries explicit state.
"""

from typing import Protocol

from guerdon.quantities import B


class Shaping(Protocol):
    """Outcome ``reward`` [B] (and ``group`` [B], ``state`` where the rule reads them) → [B]."""

    def __call__(self, reward: B) -> B: ...
