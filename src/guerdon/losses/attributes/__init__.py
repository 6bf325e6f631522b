"""Attributes: what a head says of several qualities of an answer, and how each was rated → loss per sequence, [B]. A quality that was not rated is NaN and teaches nothing."""

from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from guerdon.quantities import B


class AttributeLoss(Protocol):
    """Scores [B, K] and K columns of the data, [B] each → [B]."""

    def __call__(self, attribute_score: Float[Tensor, "B K"], **columns: B) -> B: ...
