"""AlphaPO: SimPO with a power of the likelihood in the place of its logarithm, which sets how much unlikely answers count.

Source: AlphaPO, arXiv 2501.03884, in the form of TRL (``loss_type="alphapo"`` of its CPO trainer). ``alpha`` 0.25 is ours; the rest is SimPO's.
Differs from SimPO: the shape of the score; with ``alpha`` 0 it is SimPO.
"""

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.alpha_likelihood import AlphaLikelihood
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(AlphaLikelihood(alpha=0.25, beta=2.0), Logistic(lead=0.5))),), AdamW(learning_rate=1e-6))
