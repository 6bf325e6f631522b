"""DPO: the reward model is the policy's own log-ratio to the reference.

Source: DPO, arXiv 2305.18290, eq. 7; ``beta`` 0.1, learning rate 1e-6: its appendix B.
"""

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Logistic())),), AdamW(learning_rate=1e-6))
