"""Pearson: imitation that knows how far it has gone, from matching the demonstrations by the Pearson chi-squared divergence.

    loss = -(x - x^2 / 4) / beta,   x = beta (logp - ref_logp)        [B, T], nats

x is the implicit reward of a step, that of DPO. The gradient by logp is -(1 - x / 2): full where nothing was learned, none at a log-ratio
of 2 / beta, and back beyond it.

The least over policies of D_f(policy || demonstrations) + beta KL(policy || reference) is the largest over rewards r of
E_demonstrations[-f*(-r)] - V(r), where V = beta log E_reference[exp(r / beta)] is what r is worth to the policy that it makes optimal. Every r is x + V, with x of that
policy and V a number of the state, so that what is maximised is E[-f*(-(x + V))] - V, over both. For the total variation -f*(-r) is r: V falls out, and what is left is
the log-likelihood, SFT. For Pearson's f(t) = (t - 1)^2 it is r - r^2 / 4, the best V is -E[x], and what is left is E[x] - Var[x] / 4.

Here V is pinned at 0 instead, that is, among all rewards only those are looked at that are worth nothing to their own policy; what remains, E[x] - E[x^2] / 4, is the smaller
by E[x]^2 / 4, and a bound from below. Why: the variance is over the demonstrations of one state. Of a prefix of a text there is one, so the best V leaves no square
at all, SFT; and one V for all states would be a number of the batch. The square about 0 is what holds a step near the reference by itself.

Source: Wang et al. 2025, arXiv 2507.00018: that SFT is the case in which the KL term is constant, and that other divergences keep it, with
this one among its examples. Of the paper no more than its abstract and reviews could be read: the form here was derived from f*, as above. ``beta`` 1: ours.
Differs from NegativeLogLikelihood: the reference holds the policy. It is the limit of a small ``beta``.
"""

from dataclasses import dataclass

import torch

from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.quantities import BT
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Pearson:
    beta: float = 1.0

    def __call__(self, logp: BT, ref_logp: BT) -> BT:
        away = logp - ref_logp.detach()
        return -(away - self.beta * away**2 / 4)


_steps = {"logp": [[-1.0, -1.0, -1.0]], "ref_logp": [[-1.0, -3.0, -4.0]]}  # log-ratios of 0, 2 and 3
witness = (
    Witness(
        Pearson(),
        parent=NegativeLogLikelihood(),
        given=_steps,
        returns=[[0.0, -1.0, -0.75]],
        gradient={"logp": [[-1.0, 0.0, 0.5]], "ref_logp": None},
    ),
    Witness(Pearson(beta=0.5), parent=Pearson(), given=_steps, returns=[[0.0, -1.5, -1.875]], gradient={"logp": [[-1.0, -0.5, -0.25]]}),
)


def sure_reference(inputs: dict) -> dict:
    return inputs | {"ref_logp": torch.zeros_like(inputs["ref_logp"])}


limits = (
    Limit(
        Pearson(beta=1e-9),
        equals=NegativeLogLikelihood(),
        when="beta is small, and the reference sure of every step",
        under=sure_reference,
    ),
)
