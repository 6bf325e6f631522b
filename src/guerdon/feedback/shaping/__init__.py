"""Shaping: reward → reward, [B] → [B].

A rule whose output for one sequence depends on other groups of the batch says ``per_batch: ClassVar[bool] = True``; one that
remembers earlier batches carries explicit state: ``init() -> state``, and ``(reward, state)`` is returned.

The rewards given are finite: samples without a reward were left out before.
"""

from typing import Any, Protocol

from guerdon.quantities import B


class Shaping(Protocol):
    """Outcome ``reward`` [B] (and ``group``, ``length``, ``component_NAME`` [B], ``state`` where the rule reads them) → [B], or ([B], state)."""

    def __call__(self, reward: B) -> B | tuple[B, dict[str, Any]]: ...
