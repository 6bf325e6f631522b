"""Self-certainty: how far the next-step distribution is from the uniform one; KL(uniform || policy).

    f = log sum_v exp z_v - mean_v z_v - log V,    df/dz = p - 1/V        [S], nats; 0 for the uniform distribution, without bound above

Source: Kang et al. 2025, arXiv 2502.18581; as a reward Zhao et al. 2025 (Intuitor), arXiv 2505.19590, whose code leaves log V out, a constant.
Differs from the entropy: it is KL(policy || uniform) up to a constant, which the many steps of no probability do not move; here each of V counts the same.
"""

import math

from guerdon.models.language.functionals import Functional


class SelfCertainty(Functional):
    def value(self, tile):
        return tile.logp.mean(-1).neg_().sub_(math.log(tile.logp.shape[-1]))

    def factor(self, tile, value, gradient):
        return gradient.unsqueeze(-1).clone()

    def rest(self, into, tile, value, gradient):
        into.sub_((gradient / into.shape[-1]).unsqueeze(-1).to(into.dtype))
