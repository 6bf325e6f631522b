"""SPPO with certain labels: the chosen answer's log-ratio is to be eta / 2, the rejected one's the opposite.

Source: SPPO, arXiv 2405.00675, eq. 4.7 with winning probabilities of 1 and 0, times beta^2 with ``beta`` = 1 / eta (TRL's ``loss_type="sppo_hard"``); eta 1000: the
paper's. The learning rate is DPO's.
Differs from IPO: each answer has a size of its own, so that both probabilities cannot fall together.
"""

from guerdon.losses.comparisons.pointwise_square import PointwiseSquare
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.001), PointwiseSquare(target=0.5))),), AdamW(learning_rate=1e-6))
