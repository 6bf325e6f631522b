"""Alpha likelihood: how likely the policy makes a sequence per step, by a power instead of the logarithm.

    score = beta (1 - p^-alpha) / alpha,   p = exp(mean over acted steps of logp)        [B]

The derivative by the logarithm is beta p^-alpha: with ``alpha`` above 0 what is unlikely counts for more, below 0 for less.

Source: AlphaPO, arXiv 2501.03884, in the form of TRL (``loss_type="alphapo"``), with the logistic link and a lead. ``alpha`` 0.25: ours. ``beta`` 2.0: that of
MeanLogProbability.
Differs from MeanLogProbability: the shape.
"""

from dataclasses import dataclass

from guerdon.exponentials import expm1
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.quantities import BT, B, Mask
from guerdon.steps import average
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class AlphaLikelihood:
    alpha: float = 0.25
    beta: float = 2.0

    def __call__(self, logp: BT, mask: Mask) -> B:
        mean = average(logp, mask)
        return self.beta * (mean if self.alpha == 0 else -expm1(-self.alpha * mean) / self.alpha)


LN2 = 0.6931471805599453
_half = {"logp": [[0.0, -2 * LN2, 9.0]], "mask": [[1, 1, 0]]}
witness = (
    Witness(  # p = 1/2: 1 - 2; the derivative by the mean is 2
        AlphaLikelihood(alpha=1.0, beta=1.0),
        parent=MeanLogProbability(beta=1.0),
        given=_half,
        returns=[-1.0],
        gradient={"logp": [[1.0, 1.0, 0.0]]},
    ),
    Witness(
        AlphaLikelihood(alpha=2.0, beta=4.0),
        parent=AlphaLikelihood(beta=4.0),
        given=_half,
        returns=[-6.0],
        gradient={"logp": [[8.0, 8.0, 0.0]]},
    ),
)
limits = (Limit(AlphaLikelihood(alpha=0.0, beta=0.3), equals=MeanLogProbability(beta=0.3), when="alpha is 0"),)
