"""ORPO: SFT on the preferred answers, and a comparison of odds; one stage, no reference.

Source: ORPO, arXiv 2403.07691; the comparison's weight (its lambda) of 0.1 and the learning rate 5e-6 are the paper's for Mistral, table 7 and appendix C, as TRL's index
of papers cites them. SFT is the mean over the tokens of a step, as in TRL.
Differs from DPO: no reference model is run, and no SFT before; the comparison is the smaller term.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_odds import LogOdds
from guerdon.targets import Target
from guerdon.targets.offline import Pairs, Rows
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(OnSide(NegativeLogLikelihood())), Term(Pairwise(LogOdds(), Logistic()), weight=0.1)), AdamW(learning_rate=5e-6))


def _objective(d: Rows) -> Tensor:
    odds = [said.mean.exp() / (1 - said.mean.exp()) for said in (d.chosen, d.rejected)]  # of the length-normalised likelihoods
    return -d.chosen.total.sum() / d.chosen.length.sum() - 0.1 * logsigmoid((odds[0] / odds[1]).log()).mean()


target = Target("SFT on the chosen (over tokens) - 0.1 log sigmoid(log of the ratio of the two odds)", _objective, Pairs())
