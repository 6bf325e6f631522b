"""EXO: the policy's idea of who wins is fitted to the labels by the reverse KL, so that it seeks a mode.

Source: EXO, arXiv 2402.00856, eq. 16, for pairs (TRL's ``loss_type="exo_pair"``); a smoothing of 1e-3: TRL's. ``beta`` 0.1
and the learning rate 1e-6: its appendix B, as TRL's index of papers cites it.
Differs from DPO: the two distributions change places.
"""

from torch import Tensor

from guerdon.losses.comparisons.reverse_kl import ReverseKL
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.targets import Target
from guerdon.targets.offline import Pairs, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogRatio(beta=0.1), ReverseKL(label_smoothing=1e-3))),), AdamW(learning_rate=1e-6))


def _objective(d: Rows) -> Tensor:
    wins = (0.1 * (d.chosen.ratio - d.rejected.ratio)).sigmoid()
    return (wins * (wins / (1 - 1e-3)).log() + (1 - wins) * ((1 - wins) / 1e-3).log()).mean()


target = Target("KL(the policy's idea of who wins || the label, wrong with probability 0.001)", _objective, Pairs())
