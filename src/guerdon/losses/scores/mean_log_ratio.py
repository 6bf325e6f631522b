"""Mean log-ratio: how much more likely than the reference per step, so that a long answer does not weigh more.

    score = beta * mean over acted steps of (logp - ref_logp)        [B], in units of reward

Source: length-normalised DPO, Tulu 3, arXiv 2411.15124, section 5 (after SimPO's normalisation, arXiv 2405.14734). Default ``beta`` 5.0:
Tulu 3's setting, about the length of a sequence times smaller in effect than the same number in LogRatio. With ``beta`` 1 and the square
link of target 1/(2 tau) it is IPO as its authors ran it.
Differs from LogRatio: divided by the number of acted steps.
"""

from dataclasses import dataclass

from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.quantities import BT, B, Mask
from guerdon.steps import average
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class MeanLogRatio:
    beta: float = 5.0

    def __call__(self, logp: BT, ref_logp: BT, mask: Mask) -> B:
        return self.beta * average(logp - ref_logp.detach(), mask)


witness = Witness(
    MeanLogRatio(beta=2.0),
    parent=LogRatio(beta=2.0),
    given={"logp": [[-1.0, -1.0, 9.0]], "ref_logp": [[-2.0, -3.0, 5.0]], "mask": [[1, 1, 0]]},
    returns=[3.0],
    gradient={"logp": [[1.0, 1.0, 0.0]], "ref_logp": None},
)


def one_step(inputs: dict) -> dict:
    """Sequences of a single acted step."""
    first = inputs["mask"].clone()
    first[:, 1:] = False
    return inputs | {"mask": first}


limits = (Limit(MeanLogRatio(beta=0.1), equals=LogRatio(beta=0.1), when="sequences have one acted step", under=one_step),)
