"""AOT on unpaired answers: over a batch, the distribution of the chosen answers' rewards is to lead that of the rejected ones.

Source: AOT, arXiv 2406.05882, unpaired (TRL's ``loss_type="aot_unpaired"``). ``beta`` 0.1 and the learning rate are DPO's.
Differs from AOT on pairs: each side is sorted by itself; which answer came with which does not matter.
"""

from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.sorted_logistic import SortedLogistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), SortedLogistic())),), AdamW(learning_rate=1e-6))

target = Target(
    "mean over k of - log sigmoid(0.1 (k-th smallest log-ratio of chosen answers - that of rejected ones))",
    lambda d: -logsigmoid(0.1 * (d.chosen.ratio.sort().values - d.rejected.ratio.sort().values)).mean(),
    Pairs(),
)
