"""VESPO: an answer counts by a smooth function of its whole importance weight, which falls on either side of 1.

Source: VESPO, arXiv 2602.10693, and its code: k 2 and 3, decay 3 and 2 for what is praised and for what is blamed, token mean, the group's deviation as the
scale, no KL. Learning rate 1e-6: its script. Minibatches and group as in the recipes beside.
Differs from CISPO: the weight is of whole answers, and damped rather than bounded.
"""

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.losses.surrogates.gamma_weight import GammaWeight
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(GammaWeight(), reduce=TokenMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
    minibatches=4,
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    ratio = ((said.steps - said.under("old").steps) * said.mask).sum(-1).exp().detach()
    weight = torch.where(advantage >= 0, ratio**2 * torch.exp(3 - 3 * ratio), ratio**3 * torch.exp(2 - 2 * ratio))
    step = (weight * advantage).unsqueeze(-1) * said.steps
    return -(chance * (step * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


target = Target(
    "- E[mean over the group's tokens of w^2 e^(3 - 3w) (w^3 e^(2 - 2w) where it is blamed), held, times the advantage times log p; w the answer's ratio]",
    _objective,
    Acts(away=True),
)
