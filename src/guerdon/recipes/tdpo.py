"""TDPO: DPO that also compares how far the policy has moved along the two answers.

The rejected answer's KL from the reference is pushed down; no gradient goes through the chosen one's (TDPO2, which its authors recommend).

Source: TDPO, arXiv 2404.11999; ``alpha`` 0.5, ``beta`` 0.1: its authors' code. The learning rate is DPO's.
Differs from DPO: the score has the forward KL of every step in it.
"""

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio_and_kl import LogRatioAndKL
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatioAndKL(through=False), Logistic(), rejected=LogRatioAndKL())),), AdamW(learning_rate=1e-6))
