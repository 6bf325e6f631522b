"""SimPO: what is compared is the mean log-probability, as decoding ranks, and the preferred answer is to lead by a margin; no reference.

Source: SimPO, arXiv 2405.14734. ``beta`` 2: the lower end of what its authors recommend; a lead of 0.5: TRL's ``simpo_gamma``. The learning rate is DPO's.
Differs from DPO: no reference model is run, so nothing but the learning rate holds the policy near where it started.
"""

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(MeanLogProbability(beta=2.0), Logistic(lead=0.5))),), AdamW(learning_rate=1e-6))
