"""DPO-D: DPO on comparisons of which some are ties (column ``tie``), by Davidson's model.

Source: Chen et al. 2024, arXiv 2409.17431, with its ``nu`` of 1; ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: a tied pair (whichever side is called chosen) pulls the two answers' rewards together instead of being left out.
"""

from torch import Tensor

from guerdon.losses.comparisons.davidson import Davidson
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Davidson())),), AdamW(learning_rate=1e-6))


def _objective(d: Rows) -> Tensor:
    first, second = ((0.1 * said.ratio).exp() for said in (d.chosen, d.rejected))  # strengths
    tie = 2 * (first * second).sqrt()
    tied = d.columns["tie"]
    return -((1 - tied) * first.log() + tied * tie.log() - (first + second + tie).log()).mean()


target = Target(
    "- log probability of a win, or of a tie, by Davidson with nu = 1 and strengths exp(0.1 log-ratio)", _objective, Pairs(ties=True)
)
