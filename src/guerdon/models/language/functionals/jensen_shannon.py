"""Generalised Jensen-Shannon divergence of a view and the policy, over the whole vocabulary.

    m = b q + (1 - b) p,    f = b KL(q || m) + (1 - b) KL(p || m)        [S], nats; q is the view's next-step distribution, b stands in brackets
    df/dz = (1 - b) p (log p - log m - KL(p || m))

That m moves with p changes nothing at first order: b q + (1 - b) p - m is 0. The divergence is between 0 and the entropy of a coin that falls on b.

Source: Lin 1991; as a loss of distillation GKD, arXiv 2306.13649, eq. 1; the derivative is that of the formula.
Differs from KL: finite whatever the two say, and between the two directions.
"""

import math

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.models.language.functionals import Functional


class JensenShannon(Functional):
    compares = True

    @property
    def weight(self) -> float:
        """b.

        Raises:
            InputError: it is no number between 0 and 1.
        """
        return weight_of(self.at)

    def value(self, tile):
        b, theirs, mixed = self.weight, tile.logp_of(self.view), self._mixed(tile)
        ahead = (theirs - mixed).mul_(theirs.exp()).sum(-1).mul_(b)
        return ahead + self._own(tile, mixed).mul_(1 - b)

    def factor(self, tile, value, gradient):
        mixed = self._mixed(tile)
        own = self._own(tile, mixed)
        return (tile.logp - mixed).sub_(own.unsqueeze(-1)).mul_((1 - self.weight) * gradient.unsqueeze(-1))

    def _own(self, tile, mixed) -> Tensor:
        return (tile.logp - mixed).mul_(tile.logp.exp()).sum(-1)

    def _mixed(self, tile) -> Tensor:
        return torch.logaddexp(tile.logp + math.log1p(-self.weight), tile.logp_of(self.view) + math.log(self.weight))


def weight_of(at: str) -> float:
    """The view's share of the mixture, as a name says it in brackets.

    Raises:
        InputError: it is no number between 0 and 1.
    """
    try:
        weight = float(at)
    except ValueError:
        weight = math.nan
    if not 0 < weight < 1:
        raise InputError(
            f"jensen_shannon({at}): the view's share of the mixture is expected in brackets, a number between 0 and 1, as in teacher_jensen_shannon(0.5)"
        )
    return weight
