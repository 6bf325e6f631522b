"""EXO: the policy's idea of who wins is fitted to the labels by the reverse KL, so that it seeks a mode.

Source: EXO, arXiv 2402.00856, eq. 16, for pairs (TRL's ``loss_type="exo_pair"``); a smoothing of 1e-3: TRL's. ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: the two distributions change places.
"""

from guerdon.losses.comparisons.reverse_kl import ReverseKL
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), ReverseKL(label_smoothing=1e-3))),), AdamW(learning_rate=1e-6))
