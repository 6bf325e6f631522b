"""RTO: PPO whose reward is dense, since a DPO policy says of every token what it is worth.

``teacher`` is the policy that DPO made of the same comparisons (``views: {teacher: ...}``); what rewards say of the whole answer is added at its end.

Source: RTO, arXiv 2404.18922, of which the abstract and summaries were read: reward beta_1 log(DPO / reference) - beta_2 log(policy / reference) at each token, and the
reward of the answer at its last. beta_1 0.05, beta_2 0.01, learning rates of 5e-7 and 9e-6: its authors' scripts, which clip the DPO reward of a token at 0.05 besides; that is
left out. All else is our PPO's.
Differs from PPO: what the DPO policy prefers is rewarded where it is said.
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.losses.penalties.implicit_reward import ImplicitReward
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.recipes.ppo import recipe as ppo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Term

recipe = replace(
    ppo,
    optimiser=AdamW(learning_rate=5e-7),
    reward_penalties=(Term(KLDirect(), weight=0.01), Term(ImplicitReward(), weight=0.05)),
    learners={"critic": replace(ppo.learners["critic"], optimiser=AdamW(learning_rate=9e-6))},
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 2)
    said, nodes, tokens = w.said.at(which), w.nodes()[which], w.said.at(which).length.sum(-1)[:, None, None]
    ends = said.mask - torch.cat([said.mask[..., 1:], torch.zeros_like(said.mask[..., :1])], -1)
    behind, lead = said.under("old").steps - said.under("ref").steps, said.under("teacher").steps - said.under("ref").steps
    reward = ends * w.reward[which].unsqueeze(-1) - 0.01 * behind + 0.05 * lead
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
    "- E[mean over tokens of the clipped gain of GAE(1, 0.95) of reward + 0.05 log(teacher / ref) - 0.01 log-ratio, normalised] + E[(value - lambda-return)^2]",
    _objective,
    Acts(group=1, prompts=2, away=True, critic=True, views=("teacher",)),
)
