"""MPO: the preference between answers, the quality of each, and how good ones are written, learned together.

Source: mixed preference optimisation, arXiv 2411.10442 (InternVL2-MPO): DPO, BCO on both sides, SFT on the chosen one, with weights of 0.8, 0.2 and 1. The quality is TRL's
``bco_pair``, without the reward shift of the paper. ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: two more terms. TRL writes it ``loss_type=["sigmoid", "bco_pair", "sft"]``, ``loss_weights=[0.8, 0.2, 1.0]``; any other mixture is a list of terms like this.
"""

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.pointwise_logistic import PointwiseLogistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
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
