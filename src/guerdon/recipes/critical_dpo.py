"""Critical DPO (cDPO of Lin et al.): DPO that takes back of a wrong answer what only wrong answers say.

``positive`` and ``negative`` are models fitted to right and to wrong answers (``views: {positive: ..., negative: ...}``). The recipe ``cdpo`` is another: conservative DPO.

Source: arXiv 2411.19943, its abstract and its authors' code, from which ``losses.scores.critical_log_ratio`` differs as said there; ``beta`` 0.1: theirs, as is the chosen
side, which is DPO's. The learning rate is DPO's (theirs, of adapters, 4e-5).
Differs from DPO: the rejected side's steps have weights in 0..1.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.critical_log_ratio import CriticalLogRatio
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Logistic(), rejected=CriticalLogRatio(beta=0.1))),), AdamW(learning_rate=1e-6))


def _rejected(d) -> Tensor:
    said = d.rejected
    likely = torch.minimum(torch.ones(()), (2 * said.under("positive").steps - said.under("negative").steps).exp())
    return ((1 - likely) * (said.steps - said.under("ref").steps) * said.mask).sum(-1)


target = Target(
    "- log sigmoid(0.1 (log-ratio(chosen) - sum over rejected steps of (1 - min(1, positive^2 / negative)) log-ratio))",
    lambda d: -logsigmoid(0.1 * (d.chosen.ratio - _rejected(d))).mean(),
    Pairs(views=("positive", "negative")),
)
