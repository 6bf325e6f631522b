"""Jensen-Shannon: the implicit reward where the policy is held to the reference by the Jensen-Shannon divergence.

    score = beta log(2 t / (1 + t)) = beta (log 2 + log sigmoid(log t)),   t = pi / ref of the sequence        [B], in units of reward

Source: f-DPO, arXiv 2309.16240 (the derivative), in the form of TRL (``js_divergence``). ``beta`` 0.1: DPO's.
Differs from LogRatio: bounded above by beta log 2, so that no answer is worth making arbitrarily likely; the same below.
"""

from dataclasses import dataclass

import torch.nn.functional as F

from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.quantities import BT, B, Mask
from guerdon.steps import total
from guerdon.witness import Witness

LN2 = 0.6931471805599453


@dataclass(frozen=True)
class JensenShannon:
    beta: float = 0.1

    def __call__(self, logp: BT, ref_logp: BT, mask: Mask) -> B:
        return self.beta * (LN2 + F.logsigmoid(total(logp - ref_logp.detach(), mask)))


LN3 = 1.0986122886681098
witness = Witness(  # t = 3: ln(6/4); the derivative by log t is 1 / (1 + t)
    JensenShannon(beta=2.0),
    parent=LogRatio(beta=2.0),
    given={"logp": [[-1.0, 9.0]], "ref_logp": [[-1.0 - LN3, 5.0]], "mask": [[1, 0]]},
    returns=[2 * (LN3 - LN2)],
    gradient={"logp": [[0.5, 0.0]], "ref_logp": None},
)
