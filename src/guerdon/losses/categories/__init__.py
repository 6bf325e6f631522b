"""Categories: logits over K classes and which of them a sequence belongs to → loss per sequence, [B]."""

from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from guerdon.quantities import B


class CategoryLoss(Protocol):
    """Logits [B, K] and an index below K, [B] → [B]."""

    def __call__(self, category_logits: Float[Tensor, "B K"], category: B) -> B: ...
