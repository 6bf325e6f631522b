"""DiscoPOP: a loss that a search over programs has found, logistic for pairs told apart wrongly and exponential for the others.

Source: DiscoPOP, arXiv 2406.08414, eq. 5 (TRL's ``loss_type="discopop"``); a temperature of 0.05, ``beta`` 0.05 and the
learning rate 5e-7: its appendices B.1 and E, as TRL's index of papers cites it.
Differs from DPO: the blend, which is not convex.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.modulated_logistic import ModulatedLogistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.05), ModulatedLogistic(temperature=0.05))),), AdamW(learning_rate=5e-7))


def _objective(d: Rows) -> Tensor:
    lead = 0.05 * (d.chosen.ratio - d.rejected.ratio)
    share = (lead / 0.05).sigmoid()
    return (share * (-lead).exp() - (1 - share) * logsigmoid(lead)).mean()


target = Target("s exp(-d) - (1 - s) log sigmoid(d),   s = sigmoid(d / 0.05),   d = 0.05 (difference of log-ratios)", _objective, Pairs())
