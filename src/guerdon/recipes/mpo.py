"""MPO: the preference between answers, the quality of each, and how good ones are written, learned together.

Source: mixed preference optimisation, arXiv 2411.10442 (InternVL2-MPO): DPO, BCO on both sides, SFT on the chosen one, with weights of 0.8, 0.2 and 1. The quality is TRL's
``bco_pair``, without the reward shift of the paper. ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: two more terms. TRL writes it ``loss_type=["sigmoid", "bco_pair", "sft"]``, ``loss_weights=[0.8, 0.2, 1.0]``; any other mixture is a list of terms like this.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.pointwise_logistic import PointwiseLogistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    (
        Term(Pairwise(LogRatio(beta=0.1), Logistic()), weight=0.8),
        Term(Pairwise(LogRatio(beta=0.1), PointwiseLogistic()), weight=0.2),
        Term(OnSide(NegativeLogLikelihood()), weight=1.0),
    ),
    AdamW(learning_rate=1e-6),
)


def _objective(d: Rows) -> Tensor:
    chosen, rejected = 0.1 * d.chosen.ratio, 0.1 * d.rejected.ratio
    preference, quality = -logsigmoid(chosen - rejected).mean(), -(logsigmoid(chosen) + logsigmoid(-rejected)).mean()
    return 0.8 * preference + 0.2 * quality - d.chosen.total.sum() / d.chosen.length.sum()


target = Target("0.8 DPO + 0.2 BCO of both sides + SFT on the chosen (over tokens)", _objective, Pairs())
