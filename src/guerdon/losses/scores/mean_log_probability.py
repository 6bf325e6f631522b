"""Mean log-probability: how likely the policy makes a sequence per step; what greedy and beam decoding rank by.

    score = beta * mean over acted steps of logp        [B], nats times beta

Source: SimPO, arXiv 2405.14734, section 2.2. Default ``beta`` 2.0: the lower end of the 2.0 to 2.5 that its authors recommend. Its target
margin is the column ``margin`` of the link.
Differs from LogProbability: divided by the number of acted steps, so that length by itself is neither punished nor rewarded.
"""

from dataclasses import dataclass

from guerdon.losses.scores.log_probability import LogProbability
from guerdon.losses.scores.mean_log_ratio import one_step
from guerdon.quantities import BT, B, Mask
from guerdon.steps import average
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class MeanLogProbability:
    beta: float = 2.0

    def __call__(self, logp: BT, mask: Mask) -> B:
        return self.beta * average(logp, mask)


witness = Witness(
    MeanLogProbability(beta=2.0),
    parent=LogProbability(beta=2.0),
    given={"logp": [[-1.0, -3.0, 9.0]], "mask": [[1, 1, 0]]},
    returns=[-4.0],
    gradient={"logp": [[1.0, 1.0, 0.0]]},
)

limits = (Limit(MeanLogProbability(beta=0.5), equals=LogProbability(beta=0.5), when="sequences have one acted step", under=one_step),)
