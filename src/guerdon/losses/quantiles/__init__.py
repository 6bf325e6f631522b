"""Quantiles: what a head says of the quantiles of a rating, and the rating → loss per sequence, [B]."""

from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from guerdon.quantities import B


class QuantileLoss(Protocol):
    """Quantiles [B, Q] and a rating, a column of the data [B] → [B]."""

    def __call__(self, quantile_score: Float[Tensor, "B Q"], **column: B) -> B: ...
