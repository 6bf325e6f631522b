"""LD-DPO: DPO in which what an answer has beyond the length of the other counts half.

Source: LD-DPO, arXiv 2409.06411 (TRL's ``ld_alpha``). Half is ours: the paper chooses its alpha for each model. ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: the surplus of the longer answer; as much of it as ``alpha`` is left.
"""

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.length_desensitised import LengthDesensitised
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LengthDesensitised(LogRatio(beta=0.1), alpha=0.5), Logistic())),), AdamW(learning_rate=1e-6))
