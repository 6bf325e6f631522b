"""Detached likelihood: imitation of a step in the measure in which the policy would have taken it by itself.

    loss = -sg[exp(logp)] * logp        [B, T], nats

The gradient is that of -exp(logp), the probability: the expectation of a policy gradient whose reward is 1 for the demonstrated step and 0 for all others.
The log-likelihood's is that over the probability, so that a step which the policy finds absurd moves it the most; here it moves it the least.

Source: DFT, arXiv 2508.05629, eq. 9, of which a summary could be read; ``loss_type: dft`` of TRL's SFT trainer, which has the same.
Differs from NegativeLogLikelihood: the weight.
"""

from dataclasses import dataclass

from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class DetachedLikelihood:
    def __call__(self, logp: BT) -> BT:
        return -logp.detach().exp() * logp


LN2 = 0.6931471805599453
witness = Witness(
    DetachedLikelihood(),
    parent=NegativeLogLikelihood(),
    given={"logp": [[-LN2, -2 * LN2]]},
    returns=[[LN2 / 2, LN2 / 2]],
    gradient={"logp": [[-0.5, -0.25]]},
)
