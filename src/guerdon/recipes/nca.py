"""NCA: each answer is told from noise, so that the probability of the chosen one does not fall while the difference grows.

Source: NCA, arXiv 2402.05369, for pairs (TRL's ``loss_type="nca_pair"``). ``beta`` 0.01 and the learning rate 5e-6: its
appendix C, as TRL's index of papers cites it.
Differs from DPO: sizes count, not the difference alone.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.noise_contrastive import NoiseContrastive
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.01), NoiseContrastive())),), AdamW(learning_rate=5e-6))


def _objective(d: Rows) -> Tensor:
    chosen, rejected = 0.01 * d.chosen.ratio, 0.01 * d.rejected.ratio
    return -(logsigmoid(chosen) + (logsigmoid(-chosen) + logsigmoid(-rejected)) / 2).mean()


target = Target(
    "- log sigmoid(r(chosen)) - (log sigmoid(-r(chosen)) + log sigmoid(-r(rejected))) / 2,   r = 0.01 log-ratio", _objective, Pairs()
)
