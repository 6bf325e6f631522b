"""Optimal token baseline: REINFORCE with a baseline for every token, in which an answer counts by the gradient that has gathered in it.

Source: arXiv 2602.07078; eight answers, learning rate 1e-6, one update per batch, no KL and no entropy term, mean over tokens: its authors'
example in verl (``examples/otb_trainer``), which clips as PPO does; on the policy that drew, as here, a clip has nothing to do.
Differs from OPO: a baseline for every token, and weights from probabilities in the place of lengths.
"""

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.optimal_token_baseline import OptimalTokenBaseline
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Reinforce(), reduce=TokenMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=OptimalTokenBaseline(),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.probability] * 2)
    said = w.said.at(which)
    norm = torch.where(said.mask > 0, 1 - 2 * said.steps.exp() + said.next.exp().square().sum(-1), 0.0)
    energy = norm.cumsum(-1) * said.mask
    reward = w.reward[which].unsqueeze(-1)
    baseline = (energy * reward).sum(-2, True) / (energy.sum(-2, True) + 1e-8)
    gain = ((reward - baseline).detach() * said.steps * said.mask).sum((-2, -1)) / said.length.sum(-1)
    return -(chance * gain).sum()


target = Target(
    "- E[mean over the group's tokens of (reward - the token's baseline, held) log p], who drew held", _objective, Acts(group=2)
)
