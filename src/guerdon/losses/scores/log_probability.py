"""Log-probability: how likely the policy makes a sequence, without a reference.

    score = beta * sum over acted steps of logp        [B], nats times beta

Source: SLiC-HF, arXiv 2305.10425 (with the hinge); CPO, arXiv 2401.08417 (with the logistic link). ``beta`` 1.0 as in SLiC-HF.
Differs from LogRatio: the reference is taken as uniform, so nothing holds the policy near it; needs no second model.
"""

from dataclasses import dataclass

import torch

from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.quantities import BT, B, Mask
from guerdon.steps import total
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class LogProbability:
    beta: float = 1.0

    def __call__(self, logp: BT, mask: Mask) -> B:
        return self.beta * total(logp, mask)


witness = Witness(
    LogProbability(beta=0.5),
    parent=LogRatio(beta=0.5),
    given={"logp": [[-1.0, -3.0, 9.0]], "mask": [[1, 1, 0]]},
    returns=[-2.0],
    gradient={"logp": [[0.5, 0.5, 0.0]]},
)


def _flat_reference(inputs: dict) -> dict:
    return inputs | {"ref_logp": torch.zeros_like(inputs["ref_logp"])}


limits = (
    Limit(LogRatio(beta=0.3), equals=LogProbability(beta=0.3), when="the reference finds every step equally likely", under=_flat_reference),
)
