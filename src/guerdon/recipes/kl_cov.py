"""KL-Cov: no clip; the few tokens that take the most entropy away are held where they were.

Source: Cui et al. 2025, The Entropy Mechanism of Reinforcement Learning for Reasoning Language Models, arXiv 2505.22617: share 2e-4 (2e-3 for its
smaller model) and weight 1; the distance from the policy that acted is the size of the log-ratio, as in its code and in verl's (``loss_mode:
kl_cov``). Covariances are of the log-probabilities of the policy that acted, which is the policy at the first gradient step; verl works them out anew at each, of a
micro-batch. The token mean, the group's deviation as the scale. Group and learning rate: its script for 32B. Minibatches as in the recipes beside.
Differs from GRPO: the ratio is not clipped, the token mean, and of few tokens a penalty.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.against import Against
from guerdon.losses.choices.top_covariance import TopCovariance
from guerdon.losses.penalties.kl_absolute import KLAbsolute
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.where import Where
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term


def _terms(share: float) -> tuple[Term, ...]:
    held = Where(TopCovariance(share), then=Against(KLAbsolute(), view="old"), view="old")
    return Term(Clip(1.0, epsilon_high=math.inf)), Term(held)


recipe = Recipe(
    terms=_terms(2e-4),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
    minibatches=4,
)

half = replace(recipe, terms=_terms(0.5))


def _objective_at(share: float, w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = ((w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)).unsqueeze(-1)
    said, old = w.said.at(which), w.said.under("old").at(which).steps
    tokens = said.length.sum(-1)

    def centred(x: Tensor) -> Tensor:
        return x - ((x * said.mask).sum((-2, -1)) / tokens)[:, None, None]

    covariance = torch.where(said.mask > 0, centred(old) * centred(advantage), -math.inf)
    ordered = covariance.flatten(1).sort(-1, descending=True).values
    bound = ordered.gather(-1, ((share * tokens).long().clamp(min=1) - 1).unsqueeze(-1))
    most = covariance >= bound.unsqueeze(-1) - 1e-12
    moved = said.steps - old
    step = moved.exp() * advantage - most * moved.abs()
    return -(chance * (step * said.mask).sum((-2, -1)) / tokens).sum()


target = (
    Target(
        "- E[mean over a group's tokens of the gain, less |log p/p_old| at the token of the largest covariance]",
        lambda w: _objective_at(2e-4, w),
        Acts(away=True),
    ),
    Target("the same with half of the tokens held", lambda w: _objective_at(0.5, w), Acts(away=True), recipe=half),
)
