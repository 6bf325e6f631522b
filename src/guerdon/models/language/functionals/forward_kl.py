"""Forward KL: of a view from the policy, over the whole vocabulary.

    f = KL(q || p) = sum_v q_v (log q_v - log p_v),    df/dz = p - q        [S], nats; q is the view's next-step distribution

Source: Kullback and Leibler 1951; the derivative is that of the formula.
Differs from KL: weighs by what the view would do, not by what the policy would.
"""

from guerdon.models.language.functionals import Functional


class ForwardKL(Functional):
    compares = True

    def value(self, tile):
        theirs = tile.logp_of(self.view)
        return (theirs - tile.logp).mul_(theirs.exp()).sum(-1)

    def factor(self, tile, value, gradient):
        return gradient.unsqueeze(-1).clone()

    def rest(self, into, tile, value, gradient):
        into.sub_(tile.logp_of(self.view).exp().mul_(gradient.unsqueeze(-1)))
