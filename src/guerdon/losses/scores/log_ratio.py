"""Log-ratio: how much more likely the policy makes a sequence than the reference does, the implicit reward of DPO.

    score = beta * sum over acted steps of (logp - ref_logp)        [B], in units of reward

Source: DPO, arXiv 2305.18290, eq. 5 (up to the prompt's constant, which cancels in a comparison). Default ``beta`` 0.1: appendix B.
"""

from dataclasses import dataclass

from guerdon.quantities import BT, B, Mask
from guerdon.steps import total
from guerdon.witness import Witness


@dataclass(frozen=True)
class LogRatio:
    beta: float = 0.1

    def __call__(self, logp: BT, ref_logp: BT, mask: Mask) -> B:
        return self.beta * total(logp - ref_logp.detach(), mask)


witness = Witness(
    LogRatio(beta=0.5),
    given={"logp": [[-1.0, -1.0, 9.0]], "ref_logp": [[-2.0, -3.0, 5.0]], "mask": [[1, 1, 0]]},
    returns=[1.5],
    gradient={"logp": [[0.5, 0.5, 0.0]], "ref_logp": None},
)
