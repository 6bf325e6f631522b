"""Uncertainty: ask what cannot be predicted.

    worth[c] = H(mean over s of p[c, s])        [C], nats: the entropy of the predicted answer

p[c, s] is the probability of "yes" (the first of the two is preferred) to question c under the s-th draw of what is not known.

Source: uncertainty sampling, Lewis and Gale 1994, arXiv cmp-lg/9407020, with the entropy.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.witness import Witness


@dataclass(frozen=True)
class Uncertainty:
    def __call__(self, probability: Tensor) -> Tensor:
        return entropy(probability.mean(-1))


def entropy(p: Tensor) -> Tensor:
    """Of an answer that is yes with probability p, in nats."""
    return -torch.special.xlogy(p, p) - torch.special.xlogy(1 - p, 1 - p)


LN2 = 0.6931471805599453
witness = Witness(
    Uncertainty(), given={"probability": torch.tensor([[0.5, 0.5], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)}, returns=[LN2, LN2, 0.0]
)
