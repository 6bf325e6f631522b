"""ASFT: SFT on the preferred answers, and each side's odds by themselves; one stage, no reference.

Source: ASFT, arXiv 2409.10571, as in arXiv 2502.01237, section 2.4, which finds a weight of the comparison (its lambda) of 1 best. As a
second stage after SFT, without the SFT term and with a beta: ``Pairwise(LogOdds(beta=0.1), PointwiseLogistic())``, its section 3.1.2; 0.1
and the learning rate 7e-7 are its best for Llama 3.1 8B.
Differs from ORPO: the odds of the two sides are not compared but made large and small, each on its own, which bounds ORPO's loss from
above.
"""

from torch import Tensor

from guerdon.losses.comparisons.pointwise_logistic import PointwiseLogistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_odds import LogOdds
from guerdon.targets import Target
from guerdon.targets.offline import Pairs, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    (Term(OnSide(NegativeLogLikelihood())), Term(Pairwise(LogOdds(), PointwiseLogistic()), weight=1.0)), AdamW(learning_rate=7e-7)
)


def _objective(d: Rows) -> Tensor:
    odds = [said.mean.exp() / (1 - said.mean.exp()) for said in (d.chosen, d.rejected)]  # of the length-normalised likelihoods
    sft = -d.chosen.total.sum() / d.chosen.length.sum()
    return sft - (odds[0] / (1 + odds[0])).log().mean() - (1 / (1 + odds[1])).log().mean()


target = Target("SFT (over tokens) - log sigmoid(log odds(chosen)) - log sigmoid(- log odds(rejected))", _objective, Pairs())
