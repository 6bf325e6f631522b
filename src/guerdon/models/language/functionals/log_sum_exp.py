"""Log-sum-exp: the logarithm by which the logits are normalised.

    f = log sum_v exp z_v,    df/dz = p        [S], nats; z are the logits divided by the temperature

Source: the derivative is that of the formula.
"""

from guerdon.models.language.functionals import Functional


class LogSumExp(Functional):
    def value(self, tile):
        return tile.fine.logsumexp(-1)

    def factor(self, tile, value, gradient):
        return gradient.unsqueeze(-1).clone()
