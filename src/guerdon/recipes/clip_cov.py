"""Clip-Cov: of the tokens that take entropy away a few are left out, by lot.

Source: Cui et al. 2025, The Entropy Mechanism of Reinforcement Learning for Reasoning Language Models, arXiv 2505.22617: share 2e-4, covariances from
1 to 5; with PPO's clip beside it, as in its code and in verl's (``loss_mode: clip_cov``), with the bounds of its scripts, 0 and 2.
Covariances are of the log-probabilities of the policy that acted, which is
the policy at the first gradient step; verl works them out anew at each, of a micro-batch. The token mean, the group's deviation as the scale.
Eight answers and learning rate 1e-6: its script for 32B (5e-7 for 7B). Minibatches as in the recipes beside; eight in its scripts.
Differs from GRPO: what is left out, the token mean, no KL. Differs from KL-Cov: left out, and not held back.
"""

from dataclasses import replace

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.choices.covariance_band import CovarianceBand
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.where import Where
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Where(CovarianceBand(), otherwise=Clip(1.0), view="old")),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
    minibatches=4,
)

# Who is drawn is no formula; with the share 1 all are, and the rest is as above.
all_of_them = replace(recipe, terms=(Term(Where(CovarianceBand(1.0, low=0.1, high=0.6), otherwise=Clip(1.0), view="old")),))


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = ((w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)).unsqueeze(-1)
    said, old = w.said.at(which), w.said.under("old").at(which).steps
    tokens = said.length.sum(-1)

    def centred(x: Tensor) -> Tensor:
        return x - ((x * said.mask).sum((-2, -1)) / tokens)[:, None, None]

    covariance = centred(old) * centred(advantage)
    kept = (covariance < 0.1) | (covariance > 0.6)
    step = kept * clipped((said.steps - old).exp(), advantage, 1.0, 1.0)
    return -(chance * (step * said.mask).sum((-2, -1)) / tokens).sum()


target = Target(
    "- E[mean over a group's tokens of the clipped gain of those whose covariance is not in the band, where none is drawn by lot]",
    _objective,
    Acts(away=True),
    recipe=all_of_them,
)
