"""BCO on pairs: the chosen answer is classified as good and the rejected one as bad.

Source: BCO, arXiv 2404.04656, in the form of TRL (``loss_type="bco_pair"``), without the reward shift; on single answers and with it: the recipe
``bco``. ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: sizes count, not the difference alone.
"""

from guerdon.losses.comparisons.pointwise_logistic import PointwiseLogistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), PointwiseLogistic())),), AdamW(learning_rate=1e-6))
