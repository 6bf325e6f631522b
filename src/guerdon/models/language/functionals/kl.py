"""KL of the policy from a view, over the whole vocabulary.

    f = KL(p || q) = sum_v p_v (log p_v - log q_v),    df/dz = p (log p - log q - f)        [S], nats; q is the view's next-step distribution

Source: Kullback and Leibler 1951; the derivative is that of the formula.
"""

from guerdon.models.language.functionals import Functional


class KL(Functional):
    compares = True

    def value(self, tile):
        return (tile.logp - tile.logp_of(self.view)).mul_(tile.logp.exp()).sum(-1)

    def factor(self, tile, value, gradient):
        return (tile.logp - tile.logp_of(self.view)).sub_(value.unsqueeze(-1)).mul_(gradient.unsqueeze(-1))
