"""AlphaPO: SimPO with a power of the likelihood in the place of its logarithm, which sets how much unlikely answers count.

Source: AlphaPO, arXiv 2501.03884, in the form of TRL (``loss_type="alphapo"`` of its CPO trainer). ``alpha`` 0.25, ``beta`` 2.5, a lead (its gamma) of 0.1 and the
learning rate 7e-7 are the paper's for Mistral-Instruct, its table 3, as TRL's index of papers has them.
Differs from SimPO: the shape of the score; with ``alpha`` 0 it is SimPO.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.alpha_likelihood import AlphaLikelihood
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.targets.seen import Said
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(AlphaLikelihood(alpha=0.25, beta=2.5), Logistic(lead=0.1))),), AdamW(learning_rate=7e-7))


def _reward(said: Said) -> Tensor:
    return 2.5 * (1 - (-0.25 * said.mean).exp()) / 0.25


target = Target(
    "- log sigmoid(r(chosen) - r(rejected) - 0.1),   r = 2.5 (1 - p^(-0.25 / length)) / 0.25",
    lambda d: -logsigmoid(_reward(d.chosen) - _reward(d.rejected) - 0.1).mean(),
    Pairs(),
)
