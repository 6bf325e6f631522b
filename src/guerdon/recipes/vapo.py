"""VAPO: PPO with a critic for long answers: a horizon for the policy that grows with the answer, another for the critic, groups, and right
answers imitated.

Source: VAPO, arXiv 2504.05118, and its training details: lam 1 for the critic and 1 - 1 / (0.05 l) for the policy (decoupled and
length-adaptive GAE), clip 0.2 and 0.28, the mean over tokens, 0.1 times the negative log-likelihood of right answers, 16 answers to a
prompt, learning rates 1e-6 and 2e-6, 16 minibatches of a batch, no KL. Advantages are normalised over the batch as in ``ppo``. Before the policy
moves the critic learns its returns (value pretraining, of VC-PPO, arXiv 2503.01491): with lam 1 its targets are Monte-Carlo returns. How long is not a number there but
until its loss and explained variance are settled; 50 steps: ours. ``learners.critic.model`` may start from a reward model or another stage.
Differs from PPO: two lams, of which one is by length, the upper bound, the term on right answers, groups, no KL, a plain regression of the
critic, and its start.
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.length_adaptive_gae import LengthAdaptiveGAE
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.losses.choices.reward_above import RewardAbove
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.values.squared_error import SquaredError
from guerdon.losses.where import Where
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Learning, Recipe, Term

recipe = Recipe(
    terms=(
        Term(Clip(0.2, epsilon_high=0.28)),
        Term(Where(RewardAbove(), then=NegativeLogLikelihood(), alone=True), weight=0.1),
    ),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=16),
    advantage=BatchNormalised(LengthAdaptiveGAE(gamma=1.0, alpha=0.05)),
    target=LambdaReturn(GAE(gamma=1.0, lam=1.0)),
    minibatches=16,
    learners={"critic": Learning((Term(SquaredError()),), optimiser=AdamW(learning_rate=2e-6), first=50)},
)


def _after(first: int) -> Recipe:
    """The recipe with so many steps of the critic's own, and alpha 1."""
    critic = replace(recipe.learners["critic"], first=first)
    return replace(recipe, advantage=BatchNormalised(LengthAdaptiveGAE(gamma=1.0, alpha=1.0)), learners={"critic": critic})


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 2)
    said, nodes, tokens = w.said.at(which), w.nodes()[which], w.said.at(which).length.sum(-1)[:, None, None]
    ends = said.mask - torch.cat([said.mask[..., 1:], torch.zeros_like(said.mask[..., :1])], -1)
    reward = ends * w.reward[which].unsqueeze(-1)
    value = w.old_value[nodes] * said.mask
    residual = (reward + torch.cat([value[..., 1:], torch.zeros_like(value[..., :1])], -1) - value) * said.mask
    lam = 1 - 1 / said.length.clamp(min=1)  # alpha 1: 0 for an answer of one step, 1/2 for one of two
    gae = torch.stack([residual[..., 0] + lam * residual[..., 1], residual[..., 1]], -1)
    centred = (gae - gae.sum((-2, -1), True) / tokens) * said.mask
    deviation = (centred.square().sum((-2, -1), True) / tokens).sqrt()
    advantage = torch.where(deviation > 1e-9, centred / (deviation + 1e-8), 0.0)
    gain = clipped((said.steps - said.under("old").steps).exp(), advantage, 0.2, 0.28) * said.mask
    error = (w.value[nodes] - w.reward[which].unsqueeze(-1)).square() * said.mask
    right = (w.reward[which] > 0).double().unsqueeze(-1) * said.mask
    likelihood = (right * said.steps).sum((-2, -1)) / right.sum((-2, -1)).clamp(min=1)
    return -(chance * ((gain - error).sum((-2, -1)) / tokens.squeeze() + 0.1 * likelihood)).sum()


def _pretraining(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 2)
    said = w.said.at(which)
    error = (w.value[w.nodes()[which]] - w.reward[which].unsqueeze(-1)).square() * said.mask
    return (chance * error.sum((-2, -1)) / said.length.sum(-1)).sum() + 0.0 * w.said.steps.sum()  # the policy's gradient is none


_where = Acts(group=2, away=True, critic=True)
target = (
    Target(
        "with alpha 1, once the policy learns: - E[mean over tokens of the clipped gain of GAE(1, 1 - 1 / l), normalised, + 0.1 mean log p of right answers] "
        "+ E[(value - reward)^2]",
        _objective,
        _where,
        recipe=_after(0),
    ),
    Target("before that: E[mean over tokens of (value - reward)^2]", _pretraining, _where),
)
