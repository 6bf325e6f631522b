"""SPPO with certain labels: the chosen answer's log-ratio is to be eta / 2, the rejected one's the opposite.

Source: SPPO, arXiv 2405.00675, eq. 4.7 with winning probabilities of 1 and 0, times beta^2 with ``beta`` = 1 / eta (TRL's ``loss_type="sppo_hard"``); eta 1000: the
paper's; the learning rate 5e-7: its appendix C, as TRL's index of papers cites it.
Differs from IPO: each answer has a size of its own, so that both probabilities cannot fall together.
"""

from guerdon.losses.comparisons.pointwise_square import PointwiseSquare
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.001), PointwiseSquare(target=0.5))),), AdamW(learning_rate=5e-7))

target = Target(
    "(log-ratio(chosen) - 1000 / 2)^2 + (log-ratio(rejected) + 1000 / 2)^2",
    lambda d: ((d.chosen.ratio - 500).square() + (d.rejected.ratio + 500).square()).mean(),
    Pairs(),
    up_to="times beta^2, which the docstring says",
)
