"""Trimmed entropy: that of the next-step distribution without its least likely steps, of what is left as if it were all.

    K = the V - floor(share V) most likely steps,    q = p / sum_K p on K, 0 elsewhere;  share stands in brackets
    f = -sum_K q log q,    df/dz = -q (log q + f), no gradient through what is in K        [S], nats

Source: AEnt, Shen 2025, arXiv 2509.03493, the clamped entropy of its code (``clamped_entropy_from_logits``); the derivative is that of the formula.
Differs from Entropy: a bonus on it spreads nothing over the many steps that are never right.
"""

import math

from torch import Tensor

from guerdon.errors import InputError
from guerdon.models.language.functionals import Functional


class TrimmedEntropy(Functional):
    def value(self, tile):
        return entropy_of(trimmed(tile.logp, share_of(self.at)))

    def factor(self, tile, value, gradient):
        left = trimmed(tile.logp, share_of(self.at))
        of_p = (
            (left - tile.logp).nan_to_num_(nan=-math.inf, neginf=-math.inf).exp_()
        )  # what q is of p: the same at all steps that are left, 0 at the others
        return left.clamp_(min=LEAST).add_(value.unsqueeze(-1)).mul_(of_p).mul_(-gradient.unsqueeze(-1))


LEAST = -1e4  # a log-probability whose exponential is 0 in every format, and which 0 can be multiplied with


def trimmed(logp: Tensor, share: float) -> Tensor:
    """[..., V], log-probabilities of what is left as if it were all; minus infinity of what is left out."""
    out = int(logp.shape[-1] * share)
    if out:
        least = logp.detach().topk(out, dim=-1, largest=False, sorted=False).indices
        logp = logp.scatter(-1, least, -math.inf)
    return logp - logp.logsumexp(-1, keepdim=True)


def entropy_of(logp: Tensor) -> Tensor:
    """[...], of log-probabilities [..., V], which may be minus infinity."""
    return -(logp.exp() * logp.clamp(min=LEAST)).sum(-1)


def share_of(at: str) -> float:
    """The share of the vocabulary that is left out, as a name says it in brackets.

    Raises:
        InputError: it is no number from 0 to below 1.
    """
    try:
        share = float(at)
    except ValueError:
        share = math.nan
    if not 0 <= share < 1:
        raise InputError(
            f"trimmed_entropy({at}): the share of the vocabulary that is left out is expected in brackets, a number from 0 to below 1, as in trimmed_entropy(0.3)"
        )
    return share
