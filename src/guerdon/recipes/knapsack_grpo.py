"""Knapsack GRPO: the answers of a step are dealt out among its prompts by what one more of them is worth to each.

Source: Knapsack RL, Li et al. 2025, arXiv 2509.25849: its values and bounds, from 2 to 128 answers to a prompt; see
``data.allocation.knapsack`` for what is ours in it. What is learned from them is GRPO as in ``grpo`` but for the KL and the mean, which
is over tokens: its own settings were not read. ``num_generations`` is how many there are for each prompt in the mean.
Differs from GRPO: the allocation, the token mean, no KL.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.data.allocation.knapsack import Knapsack
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
    allocation=Knapsack(),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    step = clipped((said.steps - said.under("old").steps).exp(), advantage.unsqueeze(-1), 0.2, 0.2)
    return -(chance * (step * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


target = Target(
    "of one prompt, to which all answers are dealt: - E[mean over the group's tokens of the clipped gain of the normalised reward]",
    _objective,
    Acts(away=True),
)
