"""SAPO: a gate that fades in the place of a bound, token by token.

Source: SAPO, arXiv 2511.20347: the soft gate with temperatures 1 and 1.05, the sequence mean, the group's deviation as the scale, no KL; several
minibatches per batch, as in GSPO, whose four are taken here. Learning rate and group as in the recipes beside.
Differs from GRPO: the surrogate, no KL.
"""

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.soft_gate import SoftGate
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(SoftGate(), reduce=SequenceMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
    minibatches=4,
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = ((w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)).unsqueeze(-1)
    said = w.said.at(which)
    ratio = (said.steps - said.under("old").steps).exp()
    tau = torch.where(advantage > 0, 1.0, 1.05)
    step = 4 / (tau * (1 + torch.exp(-tau * (ratio - 1)))) * advantage
    return -(chance * ((step * said.mask).sum(-1) / said.length).mean(-1)).sum()


target = Target(
    "- E[mean over the group of the mean over tokens of 4/tau sigmoid(tau (ratio - 1)) times the advantage, tau 1 where it is praised, else 1.05]",
    _objective,
    Acts(away=True),
)
