"""Top log-probabilities: those of the K most likely next steps, the most likely first.

    f_k = log p[top_k],    df/dz = sum_k g_k onehot(top_k) - p sum_k g_k        [S, K], nats

K is ``guerdon.quantities.TOP``, or V where there are fewer.

Source: the derivative is that of the formula.
"""

from torch import Tensor

from guerdon.models.language.functionals import Functional
from guerdon.quantities import TOP


class TopLogp(Functional):
    def value(self, tile):
        return tile.logp.gather(-1, tile.once(largest))

    def factor(self, tile, value, gradient):
        return -gradient.sum(-1, keepdim=True)

    def rest(self, into, tile, value, gradient):
        into.scatter_add_(-1, tile.once(largest), gradient.to(into.dtype))


def largest(tile) -> Tensor:
    """[R, K], the K most likely steps, the most likely first."""
    return tile.logits.topk(min(TOP, tile.logits.shape[-1]), dim=-1).indices
