"""CPO: DPO with a uniform reference, and SFT on the preferred answers.

Source: CPO, arXiv 2401.08417; ``beta`` 0.1 and a weight of 1 for the second term (``cpo_alpha``): TRL's. The learning rate is DPO's:
the authors' code has 1e-4, for adapters of 12 million parameters. SFT is the mean over the tokens of a step.
Differs from DPO: no reference model is run; the second term holds the policy to the preferred answers instead.
"""

from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_probability import LogProbability
from guerdon.targets import Target
from guerdon.targets.offline import Pairs
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(LogProbability(beta=0.1), Logistic())), Term(OnSide(NegativeLogLikelihood()))), AdamW(learning_rate=1e-6))

target = Target(
    "- log sigmoid(0.1 (log p(chosen) - log p(rejected))) + SFT on the chosen (over tokens)",
    lambda d: -logsigmoid(0.1 * (d.chosen.total - d.rejected.total)).mean() - d.chosen.total.sum() / d.chosen.length.sum(),
    Pairs(),
)
