"""Decoupled PPO: rollouts of an older policy count by their importance weights, and the bounds of the clip are about the policy that each step
starts from.

Source: Hilton et al., Batch size-invariance for policy optimization, arXiv 2110.00641, for the objective; AReaL, arXiv 2505.24298, section
5.2, which has it for rollouts some steps old and recomputes the proximal policy's log-probabilities when a batch arrives. As in AReaL there
is no critic and no KL, gamma and lambda are 1, so that an advantage is the reward, normalised over the batch. Its published settings (the
table of its release 0.3) are 16 answers to a prompt, 8 here, one minibatch and a learning rate of 2e-5 for its own sizes of batch and
model; 1e-6 here, as in the recipes beside, and four minibatches, without which no bound is ever reached. Clip 0.2 is PPO's.
Weights are of each step, and are not cut in the papers; AReaL's code can cut or mask them, as ``corrections: [{part:
truncated, cap: 5}]`` does. Hilton et al. take a moving average of the policy as the proximal one: ``updates: [{part: moving_average, into:
proximal}]``.
Differs from REINFORCE++: the weights, the proximal policy, no KL.
"""

import math

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.truncated import Truncated
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Corrected(Clip(0.2), (Truncated(cap=math.inf),))),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=BatchNormalised(ReturnToGo()),
    minibatches=4,
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    said = w.said.at(which)
    tokens = said.length.sum(-1)[:, None, None]
    reward = w.reward[which].unsqueeze(-1) * said.mask
    centred = (reward - reward.sum((-2, -1), True) / tokens) * said.mask
    deviation = (centred.square().sum((-2, -1), True) / tokens).sqrt()
    advantage = torch.where(deviation > 1e-9, centred / (deviation + 1e-8), 0.0)
    weight = (said.steps - said.under("old").steps).exp().detach()
    gain = (
        weight * (said.steps - said.steps.detach()).exp() * advantage
    )  # the policy that the step starts from is the proximal one: no bound is reached
    return -(chance * (gain * said.mask).sum((-2, -1)) / tokens.squeeze()).sum()


target = Target(
    "- E[mean over the tokens of p_proximal/p_old, held, times the clipped gain of p/p_proximal, of rewards normalised over the batch's tokens]",
    _objective,
    Acts(away=True),
)
