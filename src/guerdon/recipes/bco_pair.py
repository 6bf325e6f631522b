"""BCO on pairs: the chosen answer is classified as good and the rejected one as bad.

Source: BCO, arXiv 2404.04656, in the form of TRL (``loss_type="bco_pair"``), without the reward shift; on single answers and with it: the recipe
``bco``. ``beta`` 0.01 and the learning rate 5e-7: its appendix C,
as TRL's index of papers cites it.
Differs from DPO: sizes count, not the difference alone.
"""

from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.pointwise_logistic import PointwiseLogistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.01), PointwiseLogistic())),), AdamW(learning_rate=5e-7))

target = Target(
    "- log sigmoid(0.01 log-ratio(chosen)) - log sigmoid(- 0.01 log-ratio(rejected))",
    lambda d: (-logsigmoid(0.01 * d.chosen.ratio) - logsigmoid(-0.01 * d.rejected.ratio)).mean(),
    Pairs(),
)
