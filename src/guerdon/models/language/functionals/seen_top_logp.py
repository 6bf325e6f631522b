"""What a view says of the policy's K most likely next steps.

    f_k = log q[top_k]        [S, K], nats; q is the view's next-step distribution, top_k the policy's k-th most likely step; without a gradient

K is ``guerdon.quantities.TOP``, or V where there are fewer.

Source: ours; the support of the student in SDPO, arXiv 2601.20802, as TRL 1.16 implements it (``topk_logits``).
"""

import torch

from guerdon.models.language.functionals import Functional
from guerdon.models.language.functionals.top_logp import largest


class SeenTopLogp(Functional):
    compares = True

    def value(self, tile):
        return tile.logp_of(self.view).gather(-1, tile.once(largest))

    def factor(self, tile, value, gradient):
        return torch.zeros_like(tile.logp[:, :1])
