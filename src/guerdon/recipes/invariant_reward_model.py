"""Invariant reward model: the preferred answer scores higher, and scores are distributed alike whatever an attribute of the answers is (causal reward model).

    model: {part: headed, body: ..., head: scalar}

The attribute is the length of the answer; another is a column of the data, a number for each side (``chosen_bold``, ``rejected_bold``):
``recipe.terms.1.loss.loss.attribute=bold``. The conditional form has the term twice, as ``on_side`` of the chosen and of the rejected answers, in the place of ``on_both_sides``.

Source: Wang et al. 2025, arXiv 2501.09620 (see the penalty for what was read and chosen). Its weight is to be set: 1 is ours. Learning rate: reward_model's.
Differs from disentangled_reward_model: one head, and nothing takes what people like in the attribute.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.on_both_sides import OnBothSides
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.bin_discrepancy import BinDiscrepancy
from guerdon.losses.scores.head import Head
from guerdon.targets import Target
from guerdon.targets.offline import Scored, Scores
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Pairwise(Head(), Logistic())), Term(OnBothSides(BinDiscrepancy()))), AdamW(learning_rate=1e-5))


def _objective(d: Scores) -> Tensor:
    """Answers have one, two or three steps: three bins, and three pairs of them."""
    fit = logsigmoid(d.chosen["score"] - d.rejected["score"]).mean()
    score, length = torch.cat([d.chosen["score"], d.rejected["score"]]), torch.cat(d.lengths)
    variance = score.detach().var(correction=0)

    def alike(a: int, b: int) -> Tensor:
        gap = score[length == a].unsqueeze(-1) - score[length == b]
        return torch.exp(-(gap**2) / (2 * variance)).mean()

    apart = sum(alike(a, a) + alike(b, b) - 2 * alike(a, b) for a, b in ((1, 2), (1, 3), (2, 3)))
    return apart / 3 - fit


target = Target("- log sigmoid(r(chosen) - r(rejected)) + the mean MMD^2 of r between answers of different length", _objective, Scored())
