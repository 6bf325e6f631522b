"""Chi-squared: how much more likely a whole answer has become than under the reference, by which few answers far away cost more than many near.

    penalty = exp(sum over acted steps of logp - ref_logp) - 1 at the last acted step, 0 at the others        [B, T]

Its expectation under the policy is chi2(policy || reference) = sum over y of policy(y)^2 / reference(y) - 1, of whole answers. *In the loss* on the policy's own samples, and *in
the reward* through the advantage, its expected gradient is that of **half** of it each time: what ``ChiSquaredOptimum(strength)`` asks for is this penalty at a weight of 2
strength. A KL of equal size lets a policy be exponentially more certain of what the reward likes best; under this one its probabilities grow in a line with the reward, so that
errors of a reward that is only right on the reference's answers stay bounded. The ratio of an answer grows with its length: of long ones few count, and the weight has to be small.
36 nats above the reference it goes on as its tangent (``guerdon.exponentials``).

Source: Laidlaw et al. 2024, arXiv 2403.03185, section 4 (of occupancies, which for answers are the answers); Huang et al. 2024, arXiv 2407.13399, section 3.1. There a ratio that a
discriminator has learned, and an offline loss with a KL beside it; the estimate from own samples is ours.
Differs from KLDirect: the exponential of the whole answer's log-ratio. Differs from KLExponential: of the answer and not of its steps, and not of the other direction.
"""

from dataclasses import dataclass

from guerdon.exponentials import AT_OF_SEQUENCE, expm1
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.quantities import BT, Mask
from guerdon.steps import on_last, total
from guerdon.witness import Witness


@dataclass(frozen=True)
class ChiSquared:
    def __call__(self, logp: BT, ref_logp: BT, mask: Mask) -> BT:
        return on_last(expm1(total(logp - ref_logp.detach(), mask), AT_OF_SEQUENCE), mask)


LN2 = 0.6931471805599453
witness = Witness(  # twice twice as likely; and half as likely in its only step
    ChiSquared(),
    parent=KLDirect(),
    given={"logp": [[-LN2, -LN2], [-2 * LN2, 0.0]], "ref_logp": [[-2 * LN2, -2 * LN2], [-LN2, 0.0]], "mask": [[1, 1], [1, 0]]},
    returns=[[0.0, 3.0], [-0.5, 0.0]],
    gradient={"logp": [[4.0, 4.0], [0.5, 0.0]], "ref_logp": None},
)
