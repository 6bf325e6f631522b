"""Robust DPO: labels are wrong with a known probability, and the loss takes that back on average.

Source: rDPO, arXiv 2403.00409, eq. 12. ``rate`` 0.1: the label model's; give the one that you know of your labels. ``beta`` 0.1 and the
learning rate are DPO's.
Differs from DPO: the order that was not labelled counts with a negative weight. So pairs that were all labelled one way pull without end;
stop early.
"""

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.labels.unbiased import Unbiased
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), Logistic(), label=Unbiased(rate=0.1))),), AdamW(learning_rate=1e-6))
