"""Squared Hellinger: imitation that lets go of what it has learned, from matching the demonstrations by the squared Hellinger distance.

    loss = -phi(x) / beta,   x = beta (logp - ref_logp)        [B, T], nats
    phi(x) = x / (1 + x)            for x >= -1/2
             4 x + 1                below: its tangent there, since phi has a pole at -1

The gradient by logp is -1 / (1 + x)^2: full where nothing was learned, a quarter at x = 1, never the other way; up to four times as large
on a step that has become less likely.

Source: Wang et al. 2025, arXiv 2507.00018, which names the divergence; derived as in Pearson, from f(t) = (sqrt(t) - 1)^2 with -f*(-r) = r
/ (1 + r), and with V, the number of the state that the full form is maximised over as well, pinned at 0 for the reason given there. (At its best
E[1 / (1 + x + V)^2] is 1, which has no closed form; of a state with one demonstration it is -x, and SFT is left.) The tangent, and ``beta`` 1, are ours.
Differs from Pearson: a log-ratio is never too large. NegativeLogLikelihood is the limit of a small ``beta``.
"""

from dataclasses import dataclass

import torch

from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.imitation.pearson import Pearson, sure_reference
from guerdon.quantities import BT
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class SquaredHellinger:
    beta: float = 1.0

    def __call__(self, logp: BT, ref_logp: BT) -> BT:
        x = self.beta * (logp - ref_logp.detach())
        curved = x.clamp(min=-0.5)
        return -torch.where(x < -0.5, 4 * x + 1, curved / (1 + curved)) / self.beta


_steps = {"logp": [[-1.0, -1.0, -2.0]], "ref_logp": [[-1.0, -2.0, -1.0]]}  # log-ratios of 0, 1 and -1
witness = (
    Witness(
        SquaredHellinger(),
        parent=Pearson(),
        given=_steps,
        returns=[[0.0, -0.5, 3.0]],
        gradient={"logp": [[-1.0, -0.25, -4.0]], "ref_logp": None},
    ),
    Witness(
        SquaredHellinger(beta=0.5),
        parent=SquaredHellinger(),
        given=_steps,
        returns=[[0.0, -2 / 3, 2.0]],
        gradient={"logp": [[-1.0, -4 / 9, -4.0]]},
    ),
)


limits = (
    Limit(
        SquaredHellinger(beta=1e-9),
        equals=NegativeLogLikelihood(),
        when="beta is small, and the reference sure of every step",
        under=sure_reference,
    ),
)
