"""Log-probability of the step taken.

    f = log p[taken],    df/dz = onehot(taken) - p        [S], nats

Source: the derivative is that of the formula.
"""

from guerdon.models.language.functionals import Functional


class Logp(Functional):
    def value(self, tile):
        return tile.logp.gather(-1, tile.taken.unsqueeze(-1)).squeeze(-1)

    def factor(self, tile, value, gradient):
        return -gradient.unsqueeze(-1)

    def rest(self, into, tile, value, gradient):
        into.scatter_add_(-1, tile.taken.unsqueeze(-1), gradient.unsqueeze(-1).to(into.dtype))
