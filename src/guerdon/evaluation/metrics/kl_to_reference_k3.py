"""KL to the reference by the estimator that is never negative: the log ratio with a control variate, step by step.

    kl = sum_t (exp(-d) - 1 + d),    d = logp - ref_logp        over the acted steps; [B], in nats per sequence

Without bias for each step's KL where the steps were drawn from the policy, and of lower variance near the reference; of
infinite variance where the reference likes what the policy hardly ever does. Beyond 20 nats the exponential goes on as its tangent
(``guerdon.exponentials``), as in the loss: a step at -100 counts 3.9e10 and not 2.7e43, beside which nothing else would be seen.
Shapes: ``logp``, ``ref_logp``, ``mask``: [B, T].
Source: "k3" of Schulman 2020, Approximating KL Divergence; per step as in GRPO, arXiv 2402.03300, eq. 4.
Differs from KLToReference: each step counts at least 0.
"""

import math
from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.metrics.kl_to_reference import KLToReference, masked_log_ratio
from guerdon.exponentials import AT
from guerdon.witness import Witness


@dataclass(frozen=True)
class KLToReferenceK3:
    def __call__(self, logp, ref_logp, mask) -> np.ndarray:
        d = masked_log_ratio(logp, ref_logp, mask)
        held = np.minimum(-d, AT)
        return (np.expm1(held) + math.exp(AT) * (-d - held) + d).sum(-1)


LN2 = 0.6931471805599453
witness = Witness(
    KLToReferenceK3(),
    given={"logp": [[0.0, -LN2, 9.0]], "ref_logp": [[-LN2, 0.0, 1.0]], "mask": [[True, True, False]]},
    returns=[-0.5 + LN2 + 1 - LN2],
    parent=KLToReference(),
)
