"""What the policy says of a view's K most likely next steps.

    f_k = log p[top_k],    df/dz = sum_k g_k onehot(top_k) - p sum_k g_k        [S, K], nats; top_k is the view's k-th most likely step

K is ``guerdon.quantities.TOP``, or V where there are fewer.

Source: the derivative is that of the formula.
Differs from TopLogp: the steps are the most likely ones of the other.
"""

from torch import Tensor

from guerdon.models.language.functionals import Functional, top_logp


class SharedTopLogp(Functional):
    compares = True

    def value(self, tile):
        return tile.logp.gather(-1, self._theirs(tile))

    def factor(self, tile, value, gradient):
        return -gradient.sum(-1, keepdim=True)

    def rest(self, into, tile, value, gradient):
        into.scatter_add_(-1, self._theirs(tile), gradient.to(into.dtype))

    def _theirs(self, tile) -> Tensor:
        return tile.logp_of(self.view).topk(min(top_logp.TOP, tile.logits.shape[-1]), dim=-1).indices
