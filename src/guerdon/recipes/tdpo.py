"""TDPO: DPO that also compares how far the policy has moved along the two answers.

The rejected answer's KL from the reference is pushed down; no gradient goes through the chosen one's (TDPO2, which its authors recommend).

Source: TDPO, arXiv 2404.11999; ``alpha`` 0.5, ``beta`` 0.1: its authors' code. The learning rate is DPO's.
Differs from DPO: the score has the forward KL of every step in it.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio_and_kl import LogRatioAndKL
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.targets.seen import Said
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatioAndKL(through=False), Logistic(), rejected=LogRatioAndKL())),), AdamW(learning_rate=1e-6))


def _kl(said: Said) -> Tensor:
    """Of the steps along an answer, KL(reference || policy)."""
    reference = said.under("ref").next
    return ((reference.exp() * (reference - said.next)).sum(-1) * said.mask).sum(-1)


target = Target(
    "- log sigmoid(0.1 (difference of log-ratios - 0.5 (KL along the rejected answer - the chosen one's, held)))",
    lambda d: -logsigmoid(0.1 * (d.chosen.ratio - d.rejected.ratio - 0.5 * (_kl(d.rejected) - _kl(d.chosen).detach()))).mean(),
    Pairs(),
)
