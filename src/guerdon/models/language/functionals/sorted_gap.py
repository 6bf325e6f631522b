"""Gap of sorted probabilities: how far the shape of the policy's distribution is from a view's, whatever the steps are called there.

    f = sum_k |p_(k) - q_(k)|        [S], between 0 and 2; the k-th largest probability of either, 0 beyond the smaller vocabulary
    df/dz = p (s - sum_v p_v s_v),    s_v = sign(p_v - q_(rank of v))

It is the Wasserstein distance of the two if moving mass between any two steps costs the same. Steps of which the view says nothing (no number) have no gap.

Source: Universal Logit Distillation, arXiv 2402.12030.
Differs from KL: no step has to have the same name, or to be there at all, in the other vocabulary.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from guerdon.models.language.functionals import Functional


class SortedGap(Functional):
    compares = True

    def value(self, tile):
        p, _, q, there = self._sorted(tile)
        return torch.where(there, (p - q).abs().sum(-1), 0.0)

    def factor(self, tile, value, gradient):
        p, order, q, there = self._sorted(tile)
        sign = (p - q).sign_()
        away = sign - (p * sign).sum(-1, keepdim=True)
        away = torch.zeros_like(tile.logp).scatter_(-1, order, away[:, : order.shape[-1]])
        return away.mul_(torch.where(there, gradient, 0.0).unsqueeze(-1))

    def _sorted(self, tile) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Both, sorted and as wide as the wider, the steps in their order, and of which rows the view says something."""
        own, order = tile.logp.exp().sort(dim=-1, descending=True)
        theirs = tile.logp_in_its_words(self.view).exp().sort(dim=-1, descending=True).values
        there = ~theirs[:, 0].isnan()
        width = max(own.shape[-1], theirs.shape[-1])
        own, theirs = (F.pad(x, (0, width - x.shape[-1])) for x in (own, theirs))
        return own, order, torch.where(there.unsqueeze(-1), theirs, 0.0), there
