"""REINFORCE++: no critic and no group; returns, with KL in them, normalised over the whole batch.

Source: REINFORCE++, arXiv 2501.03262: the clipped objective of PPO, the k1 penalty at each step of the reward, global advantage
normalisation; one answer per prompt, clip 0.2, gamma 1. The weight 0.01 of the KL is the default of its authors' OpenRLHF (the paper's
second version has 0.001), the token mean OpenRLHF's as well (the paper's objective takes the mean over each answer first). The learning
rate is our choice. With several answers to a prompt and their mean as a baseline it is ``reinforce_plus_plus_baseline``.
Differs from PPO: the return to go in the place of GAE, so no critic.
"""

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=1),
    reward_penalties=(Term(KLDirect(), weight=0.01),),
    advantage=BatchNormalised(ReturnToGo()),
)


def normalised_gain(w: World, which: Tensor, returns: Tensor) -> Tensor:
    """[K], the mean over a batch's tokens of the clipped gain of returns with mean 0 and deviation 1 over these tokens."""
    said = w.said.at(which)
    tokens = said.length.sum(-1)[:, None, None]
    centred = (returns - (returns * said.mask).sum((-2, -1), True) / tokens) * said.mask
    deviation = (centred.square().sum((-2, -1), True) / tokens).sqrt()
    advantage = torch.where(deviation > 1e-9, centred / (deviation + 1e-8), 0.0)
    step = clipped((said.steps - said.under("old").steps).exp(), advantage, 0.2, 0.2)
    return (step * said.mask).sum((-2, -1)) / tokens.squeeze()


def rewards_of(w: World, which: Tensor) -> Tensor:
    """[K, answers, T], the penalty of each step, and the reward on the last."""
    said = w.said.at(which)
    last = said.mask - torch.cat([said.mask[..., 1:], torch.zeros_like(said.mask[..., :1])], -1)
    return last * w.reward[which].unsqueeze(-1) - 0.01 * (said.under("old").steps - said.under("ref").steps)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    to_go = rewards_of(w, which).flip(-1).cumsum(-1).flip(-1)
    return -(chance * normalised_gain(w, which, to_go)).sum()


target = Target(
    "- E[mean over tokens of the clipped gain of the return to go of reward - 0.01 log-ratio, normalised over the batch]",
    _objective,
    Acts(group=1, prompts=3, away=True),
)
