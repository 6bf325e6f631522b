"""LD-DPO: DPO in which what an answer has beyond the length of the other counts half.

Source: LD-DPO, arXiv 2409.06411 (TRL's ``ld_alpha``). Half is the paper's; it also tunes alpha for each model. ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: the surplus of the longer answer; as much of it as ``alpha`` is left.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.length_desensitised import LengthDesensitised
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.targets.seen import Said
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LengthDesensitised(LogRatio(beta=0.1), alpha=0.5), Logistic())),), AdamW(learning_rate=1e-6))


def _ratio(said: Said, other: Said) -> Tensor:
    surplus = torch.arange(said.steps.shape[-1]) >= other.length.unsqueeze(-1)
    return (torch.where(surplus, 0.5, 1.0) * (said.steps - said.under("ref").steps)).sum(-1)


target = Target(
    "DPO, in which the log-ratio of what an answer has beyond the other's length counts half",
    lambda d: -logsigmoid(0.1 * (_ratio(d.chosen, d.rejected) - _ratio(d.rejected, d.chosen))).mean(),
    Pairs(),
)
