"""Segments: what was done → which turn, reasoning step or macro-action each step belongs to: ``segment`` [B, T], whole numbers from 0 on, never falling along a
sequence's acted steps. What it says where ``mask`` is false means nothing.

A part reads tensors (``action``, ``mask``, log-probabilities of a view) and, where delimiters are text, the callable ``token_text``: token ids → the text of each.
The loop calls the recipe's one before credit is given (``Recipe.segments``); parts of credit then read ``segment`` and know nothing of text.
One whose segments have no more than so many steps says so in ``longest``.
"""

from typing import Protocol

from torch import Tensor

from guerdon.quantities import Segment


class Segmenting(Protocol):
    """``mask`` [B, T] and what else it reads → [B, T], whole numbers."""

    def __call__(self, **quantities: Tensor) -> Segment: ...
