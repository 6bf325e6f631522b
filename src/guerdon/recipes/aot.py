"""AOT: over a batch, the distribution of by how much the policy prefers chosen answers is to lead the reference's.

Source: AOT, arXiv 2406.05882, paired; ``beta`` 0.1 and the learning rate are DPO's (TRL's ``loss_type="aot"``).
Differs from DPO: margins are sorted before they are compared, so a step sees its whole batch at once.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.sorted_margins import SortedMargins
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_probability import LogProbability
from guerdon.targets import Target
from guerdon.targets.offline import Pairs, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogProbability(beta=0.1), SortedMargins())),), AdamW(learning_rate=1e-6))


def _objective(d: Rows) -> Tensor:
    own, reference = (d.chosen.under(view).total - d.rejected.under(view).total for view in ("", "ref"))
    return -logsigmoid(0.1 * (own.sort().values - reference.sort().values)).mean()


target = Target("mean over k of - log sigmoid(0.1 (k-th smallest margin of the policy - that of the reference))", _objective, Pairs())
