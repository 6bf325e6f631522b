"""Pass@k training: an answer is as good as the sets of k answers that it is in, where a set is as good as its best.

Source: Pass@k training, arXiv 2508.10751, section 2.4, the analytical derivation, k 8; on DAPO's clip of 0.2 and 0.28, mean over tokens,
learning rate 1e-6, no KL: its section on the setup. 16 answers here; its group of 32 may be set.
Differs from GRPO: the advantage, the upper bound, the token mean, no KL.
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.subset_normalised import SubsetNormalised
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
    sampler=Group(num_generations=16),
    advantage=SubsetNormalised(k=8),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    reward = w.reward[which]
    pairs = torch.stack([torch.maximum(reward[:, i], reward[:, j]) for i, j in ((0, 1), (0, 2), (1, 2))], -1)
    own = torch.stack([pairs[:, [0, 1]], pairs[:, [0, 2]], pairs[:, [1, 2]]], 1).mean(-1)  # of the two pairs that an answer is in
    deviation = pairs.std(-1, correction=0, keepdim=True)
    advantage = torch.where(deviation > 0, (own - pairs.mean(-1, True)) / (deviation + 1e-6), 0.0)
    said = w.said.at(which)
    step = clipped((said.steps - said.under("old").steps).exp(), advantage.unsqueeze(-1), 0.2, 0.28)
    return -(chance * (step * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


target = Target(
    "with k 2: - E[mean over the group's tokens of the clipped gain of (mean best of the pairs with the answer - of all) / the pairs' deviation]",
    _objective,
    Acts(group=3, away=True),
    recipe=replace(recipe, advantage=SubsetNormalised(k=2)),
)
