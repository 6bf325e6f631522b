"""PPO with a critic, as it is run on language models: clipped ratios, GAE, KL to the reference in the reward.

Source: PPO, arXiv 1707.06347, eq. 7; on language models Ziegler et al. 2019, arXiv 1909.08593, and their code: one answer per prompt, four epochs, gamma 1,
lambda 0.95, advantages normalised over the batch, ratios and values clipped by 0.2. The KL's weight of 0.05 is fixed, as in TRL's PPO; Ziegler et al. adapt theirs
(``weight: {part: adaptive_coefficient, statistic: reward_penalty}``). Our choice are the learning rates and the critic: the policy's body under a value head,
a model of its own with an optimiser of its own, ten times as fast because its head starts from nothing.
"""

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Learning, Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=1),
    reward_penalties=(Term(KLDirect(), weight=0.05),),
    advantage=BatchNormalised(GAE(gamma=1.0, lam=0.95)),
    target=LambdaReturn(GAE(gamma=1.0, lam=0.95)),
    epochs=4,
    learners={"critic": Learning((Term(ClippedRegression(0.2)),), optimiser=AdamW(learning_rate=1e-5))},
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 2)
    said, nodes, tokens = w.said.at(which), w.nodes()[which], w.said.at(which).length.sum(-1)[:, None, None]
    ends = said.mask - torch.cat([said.mask[..., 1:], torch.zeros_like(said.mask[..., :1])], -1)
    reward = ends * w.reward[which].unsqueeze(-1) - 0.05 * (said.under("old").steps - said.under("ref").steps)
    value = w.old_value[nodes] * said.mask
    following = torch.cat([value[..., 1:], torch.zeros_like(value[..., :1])], -1)
    residual = (reward + following - value) * said.mask
    gae = torch.stack([residual[..., 0] + 0.95 * residual[..., 1], residual[..., 1]], -1)
    centred = (gae - gae.sum((-2, -1), True) / tokens) * said.mask
    deviation = (centred.square().sum((-2, -1), True) / tokens).sqrt()
    advantage = torch.where(deviation > 1e-9, centred / (deviation + 1e-8), 0.0)
    gain = clipped((said.steps - said.under("old").steps).exp(), advantage, 0.2, 0.2) * said.mask
    error = (w.value[nodes] - (gae + value)).square() * said.mask
    return -(chance * (gain - error).sum((-2, -1)) / tokens.squeeze()).sum()


target = Target(
    "- E[mean over tokens of the clipped gain of GAE(1, 0.95) of reward - 0.05 log-ratio, normalised] + E[(value - lambda-return)^2]",
    _objective,
    Acts(group=1, prompts=2, away=True, critic=True),
)
