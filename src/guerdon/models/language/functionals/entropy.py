"""Entropy of the next-step distribution.

    f = -sum_v p_v log p_v,    df/dz = -p (log p + f)        [S], nats

Source: the derivative is that of the formula.
"""

from guerdon.models.language.functionals import Functional


class Entropy(Functional):
    def value(self, tile):
        return -tile.logp.exp().mul_(tile.logp).sum(-1)

    def factor(self, tile, value, gradient):
        return (tile.logp + value.unsqueeze(-1)).mul_(-gradient.unsqueeze(-1))
