"""Category cross-entropy: a classifier of sequences, fitted by maximum likelihood.

    loss = -log softmax(category_logits)[category]        [B], nats

Source: maximum likelihood of a categorical variable; as the loss of degrees beside a loss of preferences, arXiv 2409.17791.
Differs from CrossEntropy: one of K classes instead of good or bad.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from guerdon.losses.comparisons.logistic import LN4
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class CategoryCrossEntropy:
    per_item: ClassVar[bool] = True  # a loss per sequence, not per step

    def __call__(self, category_logits: Float[Tensor, "B K"], category: B) -> B:
        return F.cross_entropy(category_logits, category.long(), reduction="none")


_LN2 = LN4 / 2
witness = Witness(  # probabilities 1/2, 1/4, 1/4
    CategoryCrossEntropy(),
    parent=CrossEntropy(),
    given={"category_logits": [[_LN2, 0.0, 0.0], [_LN2, 0.0, 0.0]], "category": [0.0, 2.0]},
    returns=[_LN2, LN4],
    gradient={"category_logits": [[-0.5, 0.25, 0.25], [0.5, 0.25, -0.75]]},
)
