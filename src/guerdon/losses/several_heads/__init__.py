"""Several heads: the scores of K heads for both sides of a pair → loss per pair. Heads are groups of people, or draws of what is not known.

``chosen_head_score`` and ``rejected_head_score`` are [N, K]. A link says what each head by itself would cost; a part of this room says what becomes of the K numbers.
"""

from typing import Protocol

from torch import Tensor

from guerdon.quantities import N


class SeveralHeads(Protocol):
    """Scores of the heads, and whatever else says whose they are → [N]."""

    def __call__(self, **quantities: Tensor) -> N: ...
