"""Constrained preference optimization: DPO whose target never asks for less than that the preferred answer is the likelier one.

Source: arXiv 2605.20834, in the smooth form of its authors' code: mean log-probabilities, ``floor`` 0.5, ``tau`` 2. ``beta`` 2.5 and the
learning rate 6e-7 are those of the one configuration that comes with it, which is for another form.
Differs from DPO: where the reference prefers the rejected answer, it is not enough to prefer it less. Not CPO, contrastive preference
optimization (``recipes.cpo``).
"""

from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from guerdon.losses.comparisons.floored_logistic import FlooredLogistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.targets import Target
from guerdon.targets.offline import Pairs, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(MeanLogProbability(beta=1.0), FlooredLogistic(beta=2.5))),), AdamW(learning_rate=6e-7))


def _objective(d: Rows) -> Tensor:
    lead, reference = (d.chosen.under(view).mean - d.rejected.under(view).mean for view in ("", "ref"))
    return -logsigmoid(2.5 * (lead - reference - softplus(2 * (0.5 - reference)) / 2)).mean()


target = Target("- log sigmoid(2.5 (lead - a smooth max(the reference's lead, 0.5))), of mean log-probabilities", _objective, Pairs())
