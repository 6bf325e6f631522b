"""ORPO: SFT on the preferred answers, and a comparison of odds; one stage, no reference.

Source: ORPO, arXiv 2403.07691; the comparison's weight of 0.1 (its lambda): TRL's ``beta``. The learning rate is DPO's.
Differs from DPO: no reference model is run, and no SFT before; the comparison is the smaller term.
"""

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_odds import LogOdds
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(OnSide(NegativeLogLikelihood())), Term(Pairwise(LogOdds(), Logistic()), weight=0.1)), AdamW(learning_rate=1e-6))
