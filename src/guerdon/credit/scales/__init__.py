"""Scales: by what a centred reward is divided → [B], positive, or 0 where the group says nothing (the advantage is
then 0 as well). A scale is a choice of the group-centred advantage and of nothing else.
"""

from typing import Protocol

from guerdon.quantities import B, Group


class Scale(Protocol):
    """Outcome ``reward`` [B] and ``group`` [B] → divisor [B]."""

    def __call__(self, reward: B, group: Group) -> B: ...
