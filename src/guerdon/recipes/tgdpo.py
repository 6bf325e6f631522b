"""TGDPO: DPO whose steps weigh by the implicit reward of a model that was fitted to comparisons before: the view ``guide``.

Source: TGDPO, arXiv 2506.14574; ``alpha`` 0.5, ``beta`` 0.1, learning rate 7e-7: its authors' example (``examples/llama3_8b_instruct_tgdpo.yaml``).
Differs from DPO: a step that the guide likes counts more in the chosen answer and less in the rejected one.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.guided_log_ratio import GuidedLogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.targets.seen import Said
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(GuidedLogRatio(alpha=0.5), Logistic(), rejected=GuidedLogRatio(alpha=-0.5))),), AdamW(learning_rate=7e-7))


def _weighed(said: Said, sign: float) -> Tensor:
    guide = 0.1 * (said.under("guide").steps - said.under("ref").steps)
    return ((1 + sign * 0.5 * guide) * (said.steps - said.under("ref").steps)).sum(-1)


target = Target(
    "- log sigmoid(0.1 (sum of (1 + 0.5 r) log-ratio over chosen steps - sum of (1 - 0.5 r) log-ratio over rejected ones)), r the guide's",
    lambda d: -logsigmoid(0.1 * (_weighed(d.chosen, 1) - _weighed(d.rejected, -1))).mean(),
    Pairs(views=("guide",)),
)
