"""States: what was done and read → which state each step is taken in: [B, T], whole numbers that are equal where the states are, in whichever sequence and batch. What they say
where ``mask`` is false means nothing.

A part reads tensors and no text, by the names of the glossary. Who compares what was done in one state (``credit.advantages.anchor_group``) holds one as its ``states``.
"""

from typing import Protocol

from torch import Tensor

from guerdon.quantities import Segment


class States(Protocol):
    """``action`` [B, T], ``mask`` and what else it reads → [B, T], whole numbers."""

    def __call__(self, **quantities: Tensor) -> Segment: ...
