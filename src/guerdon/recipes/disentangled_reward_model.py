"""Disentangled reward model: what people like in an attribute of answers goes into a head of its own, which is left out when answers are scored (ODIN).

    model: {part: headed, body: ..., head: disentangled}

The attribute is the length of the answer; another is a column of the data, a number for each side (``chosen_bold``, ``rejected_bold``):
``recipe.terms.1.loss.loss.attribute=bold``.

Source: ODIN, Chen et al. 2024, arXiv 2402.07319; both weights are 1, as in its authors' code (see the parts). Learning rate: reward_model's; theirs 2e-5.
Differs from reward_model: two heads that explain the pair together, one along the attribute, the other across it.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.losses.on_both_sides import OnBothSides
from guerdon.losses.on_side import OnSide
from guerdon.losses.penalties.attribute_correlation import AttributeCorrelation
from guerdon.losses.penalties.head_overlap import HeadOverlap
from guerdon.losses.several_heads.summed import Summed
from guerdon.targets import Target
from guerdon.targets.offline import Scored, Scores
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Summed()), Term(OnBothSides(AttributeCorrelation())), Term(OnSide(HeadOverlap()))), AdamW(learning_rate=1e-5))


def _objective(d: Scores) -> Tensor:
    fit = logsigmoid(d.chosen["head_score"].sum(-1) - d.rejected["head_score"].sum(-1)).mean()
    both = torch.cat([d.chosen["head_score"], d.rejected["head_score"]])
    table = torch.corrcoef(torch.stack([both[:, 0], both[:, -1], torch.cat(d.lengths)]))
    return table[0, 2].abs() - table[1, 2] + d.chosen["head_overlap"].mean() - fit


target = Target(
    "- log sigmoid(sum_k r_k(chosen) - sum_k r_k(rejected)) + |rho(r_first, length)| - rho(r_last, length) + |cos(w_first, w_last)|",
    _objective,
    Scored(("head_score", "head_overlap")),
)
