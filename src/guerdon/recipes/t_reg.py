"""T-REG: DPO, and a second term that draws the reward of every step to what the model itself says of it, asked for a better and for a worse answer.

The views ``better`` and ``worse`` are the reference under the two prompts (``models.prompted``). The second term fades with what is left to learn of a pair.

Source: T-REG, arXiv 2412.02685; its weight is from 0.1, 0.25 and 0.5 there. ``beta`` 0.1 and the learning rate are DPO's.
Differs from DPO: the second term, and the two views that it reads.
"""

from guerdon.losses.comparisons.both_sides import BothSides
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.contrasted_likelihood import ContrastedLikelihood
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.weights.unlearned import Unlearned
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    (
        Term(Pairwise(LogRatio(beta=0.1), Logistic())),
        Term(Pairwise(ContrastedLikelihood(beta=0.1), BothSides(), weight=Unlearned(LogRatio(beta=0.1))), weight=0.25),
    ),
    AdamW(learning_rate=1e-6),
)
