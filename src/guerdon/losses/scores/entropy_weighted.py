"""Entropy-weighted: the reward under which a policy would be the best one, had it been asked for reward and weighted entropy, where an answer counts by 1 / its length.

    score = beta * (total logp + 1) / length        [B], total and length over acted steps

The policy that maximises E[r] + beta H_w(pi), with Guiasu's weighted entropy H_w = - sum_y w(y) pi(y) log pi(y), has r(y) = beta w(y) (log pi(y) + 1) + a number that is the
same for all answers; here w(y) = 1 / length. So short answers are ahead by the 1 / length that is no log-probability.

Source: POWER, Rashidinejad and Tian 2024, arXiv 2412.09544, of which the abstract and summaries were read; the loss is that of the method's description, and is derived above.
Default ``beta`` 2.0: that of MeanLogProbability, as theirs was not to be had.
Differs from MeanLogProbability: beta / length is added, so that of two answers with the same mean the shorter is ahead. On answers of one length the two order alike.
"""

from dataclasses import dataclass

from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.quantities import BT, B, Mask
from guerdon.steps import average, total
from guerdon.witness import Witness


@dataclass(frozen=True)
class EntropyWeighted:
    beta: float = 2.0

    def __call__(self, logp: BT, mask: Mask) -> B:
        return self.beta * (average(logp, mask) + 1 / total(mask.to(logp), mask).clamp(min=1))


witness = Witness(  # 2 (-4 + 1) / 2 and 2 (-1 + 1) / 1; their means alone would give -4 and -2
    EntropyWeighted(beta=2.0),
    parent=MeanLogProbability(beta=2.0),
    given={"logp": [[-1.0, -3.0, 9.0], [-1.0, 9.0, 9.0]], "mask": [[1, 1, 0], [1, 0, 0]]},
    returns=[-3.0, 0.0],
    gradient={"logp": [[1.0, 1.0, 0.0], [2.0, 0.0, 0.0]]},
)
