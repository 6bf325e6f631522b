"""DPO-RK: DPO on comparisons of which some are ties (column ``tie``), by Rao and Kupper's model.

Source: Chen et al. 2024, arXiv 2409.17431, with its ``nu`` of 3; ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO-D: a preferred answer has to lead by log nu, and between two that do not a tie is likely.
"""

from torch import Tensor

from guerdon.losses.comparisons.rao_kupper import RaoKupper
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), RaoKupper())),), AdamW(learning_rate=1e-6))


def _objective(d: Rows) -> Tensor:
    first, second = ((0.1 * said.ratio).exp() for said in (d.chosen, d.rejected))  # strengths
    win = first / (first + 3 * second)
    tie = (3**2 - 1) * first * second / ((first + 3 * second) * (second + 3 * first))
    tied = d.columns["tie"]
    return -((1 - tied) * win.log() + tied * tie.log()).mean()


target = Target(
    "- log probability of a win, or of a tie, by Rao and Kupper with nu = 3 and strengths exp(0.1 log-ratio)", _objective, Pairs(ties=True)
)
