"""DiscoPOP: a loss that a search over programs has found, logistic for pairs told apart wrongly and exponential for the others.

Source: DiscoPOP, arXiv 2406.08414, eq. 5 (TRL's ``loss_type="discopop"``); a temperature of 0.05: TRL's. ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: the blend, which is not convex.
"""

from guerdon.losses.comparisons.modulated_logistic import ModulatedLogistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), ModulatedLogistic(temperature=0.05))),), AdamW(learning_rate=1e-6))
