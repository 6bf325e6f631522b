"""T-REG: DPO, and a second term that draws the reward of every step to what the model itself says of it, asked for a better and for a worse answer.

The views ``better`` and ``worse`` are the reference under the two prompts (``models.prompted``). The second term fades with what is left to learn of a pair.

Source: T-REG, arXiv 2412.02685; its weight is from 0.1, 0.25 and 0.5 there. ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: the second term, and the two views that it reads.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.both_sides import BothSides
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.contrasted_likelihood import ContrastedLikelihood
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.weights.unlearned import Unlearned
from guerdon.targets import Target
from guerdon.targets.offline import Pairs, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    (
        Term(Pairwise(LogRatio(beta=0.1), Logistic())),
        Term(Pairwise(ContrastedLikelihood(beta=0.1), BothSides(), weight=Unlearned(LogRatio(beta=0.1))), weight=0.25),
    ),
    AdamW(learning_rate=1e-6),
)


def _objective(d: Rows) -> Tensor:
    lead, drawn = 0.1 * (d.chosen.ratio - d.rejected.ratio), 0.0
    for said in (d.chosen, d.rejected):
        own = (said.under("better").steps - said.under("worse").steps).sigmoid() - 0.5  # what the model itself says of a step
        drawn = drawn - (own * 0.1 * (said.steps - said.under("ref").steps)).sum(-1)
    return (-logsigmoid(lead) + 0.25 * (-lead).sigmoid().detach() * drawn).mean()


target = Target(
    "DPO - 0.25 sigmoid(-lead) sum over both answers' steps of (sigmoid(log better / worse) - 1/2) 0.1 log-ratio",
    _objective,
    Pairs(views=("better", "worse")),
)
