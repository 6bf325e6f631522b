"""Log-ratio and KL: the log-ratio of a sequence, and on top of it how far the policy has moved from the reference at the steps along it.

    score = beta * (sum over acted steps of (logp - ref_logp) + alpha * sum over acted steps of KL(reference || policy))        [B], in units of reward

The KL is that of the whole next-step distribution. In a comparison the rejected side's is therefore pushed down and the chosen side's up. ``through`` says
whether a gradient goes through it.

TDPO1 is the logistic link on this score with ``alpha`` 1. There, each term of the sum is on average 0 under the reference, so that the minimiser on all comparisons is
ref exp(Q / beta) / Z at every step, with Q what the reference goes on to earn; DPO's has the Q of the optimum. TDPO2 has no gradient through the chosen side's KL:
``Pairwise(LogRatioAndKL(through=False), Logistic(), rejected=LogRatioAndKL())``.

Source: TDPO, arXiv 2404.11999, section 4, and its authors' code (github.com/Vance0124/Token-level-Direct-Preference-Optimization). Defaults: ``beta`` 0.1, ``alpha`` 0.5
of TDPO2, both theirs.
Differs from LogRatio: reads what the policy would have done elsewhere, not only the steps that were taken.
"""

from dataclasses import dataclass

from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.quantities import BT, B, Mask
from guerdon.steps import total
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class LogRatioAndKL:
    beta: float = 0.1
    alpha: float = 0.5
    through: bool = True

    def __call__(self, logp: BT, ref_logp: BT, ref_forward_kl: BT, mask: Mask) -> B:
        moved = ref_forward_kl if self.through else ref_forward_kl.detach()
        return self.beta * total(logp - ref_logp.detach() + self.alpha * moved, mask)


_given = {"logp": [[-1.0, -1.0, 9.0]], "ref_logp": [[-2.0, -3.0, 5.0]], "ref_forward_kl": [[0.5, 1.5, 7.0]], "mask": [[1, 1, 0]]}
witness = (
    Witness(  # 1/2 (3 + 1/4 * 2)
        LogRatioAndKL(beta=0.5, alpha=0.25),
        parent=LogRatio(beta=0.5),
        given=_given,
        returns=[1.75],
        gradient={"logp": [[0.5, 0.5, 0.0]], "ref_forward_kl": [[0.125, 0.125, 0.0]], "ref_logp": None},
    ),
    Witness(
        LogRatioAndKL(beta=0.5, alpha=0.25, through=False),
        parent=LogRatioAndKL(beta=0.5, alpha=0.25),
        given=_given,
        returns=[1.75],
        gradient={"logp": [[0.5, 0.5, 0.0]], "ref_forward_kl": None, "ref_logp": None},
    ),
)
limits = (Limit(LogRatioAndKL(beta=0.3, alpha=0.0), equals=LogRatio(beta=0.3), when="alpha is 0"),)
