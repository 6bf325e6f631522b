"""PRO: rankings of answers, without a reference; what is much worse is pushed away harder, and the best answer is imitated.

Made for rankings of two; for rankings of n the weight of the second term is 0.05 (n - 1)^2. ``reward`` is the score of each candidate.

Source: PRO, arXiv 2306.17492; 0.05 and the learning rate of 5e-6: its authors' script (``PRO/train/train_hh.sh``). The second term sums over steps, as there.
Differs from CPO: more than two answers; scores are means over steps.
"""

from torch import Tensor

from guerdon.losses.listwise import Listwise
from guerdon.losses.rankings.best_only import BestOnly
from guerdon.losses.rankings.gap_tempered import GapTempered
from guerdon.losses.scores.log_probability import LogProbability
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.targets import Target
from guerdon.targets.offline import Rankings, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    (Term(Listwise(MeanLogProbability(beta=1.0), GapTempered())), Term(Listwise(LogProbability(), BestOnly()), weight=0.05)),
    AdamW(learning_rate=5e-6),
)


def _objective(d: Rows) -> Tensor:
    order = d.columns["reward"].argsort(-1, descending=True)
    (best, other), gap = d.each.mean.gather(-1, order).T, d.columns["reward"].diff(dim=-1).abs().squeeze(-1)
    tempered = -((gap * best).exp() / ((gap * best).exp() + (gap * other).exp())).log()
    return (tempered - 0.05 * d.each.total.gather(-1, order)[:, 0]).mean()


target = Target(
    "- log of the better one's share of exp(gap * mean log-probability) - 0.05 log p(better)",
    _objective,
    Rankings(candidates=2),
    up_to="the loop takes the mean over candidates, the equation that over rankings",
)
