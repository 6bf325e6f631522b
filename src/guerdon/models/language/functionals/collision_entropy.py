"""Collision entropy of the next-step distribution: how unlikely two draws from it are to be the same step; Rényi's of order 2.

    f = -log sum_v p_v^2,    df/dz = p (2 - 2 p e^f)        [S], nats; between 0 and log V, at most the entropy

Source: Rényi 1961; the derivative is that of the formula.
"""

from guerdon.models.language.functionals import Functional


class CollisionEntropy(Functional):
    def value(self, tile):
        return tile.logp.exp().square_().sum(-1).log().neg_()

    def factor(self, tile, value, gradient):
        return (tile.logp + value.unsqueeze(-1)).exp_().sub_(1).mul_(-2 * gradient.unsqueeze(-1))
