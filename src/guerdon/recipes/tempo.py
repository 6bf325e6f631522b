"""TEMPO: GRPO, with what became of its branch told to each step at which the group's answers part.

Source: TEMPO, arXiv 2509.18314, and its authors' code (``train_math_tempo.sh``): clip of 0.2 and 0.28, mean over tokens, eight updates per batch, learning rate 1e-6, no KL.
Eight answers: ours; there seven.
Differs from GRPO: the upper bound, the token mean, no KL; the differences of prefix values, over the same deviation, are added to the advantage.
"""

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.prefix_difference import PrefixDifference
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2, epsilon_high=0.28), reduce=TokenMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=PrefixDifference(),
    minibatches=8,
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    reward = w.reward[which]

    def mean_over(alike: Tensor) -> Tensor:  # [K, 3, 3], which of the others counts
        return (alike * reward.unsqueeze(1)).sum(-1) / alike.sum(-1)

    first = torch.tensor([word[0] for word in w.said.words])[which]
    whole = mean_over(torch.ones(len(which), 3, 3, dtype=torch.float64))
    begun = mean_over((first.unsqueeze(-1) == first.unsqueeze(1)).double())
    said_all = mean_over((which.unsqueeze(-1) == which.unsqueeze(1)).double())
    gained = torch.stack([begun - whole, said_all - begun], -1) + (reward - whole).unsqueeze(-1)
    said = w.said.at(which)
    gain = clipped((said.steps - said.under("old").steps).exp(), gained / (reward.std(-1)[:, None, None] + 1e-4), 0.2, 0.28)
    return -(chance * (gain * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


target = Target(
    "- E[mean over the group's tokens of the clipped gain of (reward - mean + V(after the step) - V(before it)) / deviation]",
    _objective,
    Acts(away=True),
)
