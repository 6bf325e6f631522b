"""Robust DPO: labels are wrong with a known probability, and the loss is corrected so that its expectation is that of right ones.

Source: robust DPO, arXiv 2403.00409, eq. 12 (TRL's ``loss_type="robust"``); a rate of 0.1 is the label model's default. ``beta`` 0.1 and the learning rate are DPO's.
Differs from conservative DPO: undoes the noise instead of believing less.
"""

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.labels.unbiased import Unbiased
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Logistic(), label=Unbiased(rate=0.1))),), AdamW(learning_rate=1e-6))
