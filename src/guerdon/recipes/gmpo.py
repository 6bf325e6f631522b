"""GMPO: the geometric mean of an answer's ratios, each clipped, in the place of the mean of clipped ratios.

Source: GMPO, arXiv 2507.20673, bounds of e^-0.4 and e^0.4, group 8; no KL. Learning rate 1e-6: its authors' script. Four minibatches as in the recipes beside
(eight there), without which no bound is reached.
Differs from GRPO: the surrogate, no KL. Differs from GSPO: tokens are clipped, not answers.
"""

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clipped_geometric_mean import ClippedGeometricMean
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(ClippedGeometricMean(), reduce=SequenceMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
    minibatches=4,
)

tighter = Recipe(
    terms=(Term(ClippedGeometricMean(0.1, 0.2), reduce=SequenceMean()),), sampler=recipe.sampler, advantage=recipe.advantage, minibatches=4
)


def _objective_at(low: float, high: float, w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    sign = advantage.sign().unsqueeze(-1)
    moved = said.steps - said.under("old").steps
    held = sign * torch.minimum(sign * moved, sign * moved.clamp(-low, high))
    return -(chance * (((held * said.mask).sum(-1) / said.length).exp() * advantage).mean(-1)).sum()


target = (
    Target(
        "- E[mean over the group of the geometric mean of an answer's ratios, clipped at e^0.4 and e^-0.4, times the advantage]",
        lambda w: _objective_at(0.4, 0.4, w),
        Acts(away=True),
    ),
    Target("the same with e^0.2 and e^-0.1", lambda w: _objective_at(0.1, 0.2, w), Acts(away=True), recipe=tighter),
)
