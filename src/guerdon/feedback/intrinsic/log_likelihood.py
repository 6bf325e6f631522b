"""Log-likelihood: the logarithm of how probable what was said is.

    over "token"       reward = mean over acted steps of log p(step)        [B], nats; at most 0
         "sequence"    reward = sum over acted steps of log p(step)

With ``recast: reference_conclusion`` the sum is what a reasoning is worth to the answer as an exact objective: its expectation is a lower bound of the log-likelihood of the
answer, with the reasoning summed out. With the same of ``without_reasoning`` taken away it is the information that the reasoning gains.

Source: JEPO, Tang et al. 2025, arXiv 2503.19618 (the bound; its multi-sample forms are not here); RLP, arXiv 2510.01265 (the gain).
Differs from Likelihood: the unlikeliest step counts most.
"""

from dataclasses import dataclass
from typing import Literal

from guerdon.feedback.intrinsic import SelfMade
from guerdon.feedback.intrinsic.likelihood import Likelihood
from guerdon.quantities import BT, B, Mask
from guerdon.steps import average, total
from guerdon.witness import Witness


@dataclass(frozen=True)
class LogLikelihood(SelfMade):
    over: Literal["token", "sequence"] = "token"

    def __call__(self, logp: BT, mask: Mask) -> B:
        return (total if self.over == "sequence" else average)(logp, mask)


_given = {"logp": [[-1.0, -2.0], [-1.0, 0.0]], "mask": [[1, 1], [1, 0]]}
witness = (
    Witness(LogLikelihood(), parent=Likelihood(), given=_given, returns=[-1.5, -1.0]),
    Witness(LogLikelihood(over="sequence"), parent=LogLikelihood(), given=_given, returns=[-3.0, -1.0]),
)
