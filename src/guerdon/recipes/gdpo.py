"""GDPO: GRPO on several rewards, each compared by itself before they are added up.

Source: GDPO, arXiv 2601.05242; learning rate 1e-6, four answers, four updates per batch, no KL: the authors' script
(``verl-GDPO/train_gdpo.sh``), with verl's clip of 0.2 and mean over tokens. ``recipe.advantage.weights`` weighs the rewards, all of them
alike where none is named; ``recipe.combine`` is left for what is reported and selected by. Of a reward that is easier than another, the
paper advises to let it count only where the other is met: ``combine: {part: gate, ...}`` with one reward, or a reward that says so.
Differs from GRPO: each reward has its own mean and deviation, the batch another, the token mean, no KL.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.each_reward import EachReward
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2), reduce=TokenMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=4),
    advantage=EachReward(GroupCentred(GroupDeviation())),
    minibatches=4,
)


def _alone(reward: Tensor) -> Tensor:
    """[K, prompts, 2], a reward in units of its group's spread."""
    return (reward - reward.mean(-1, True)) / (reward.std(-1, keepdim=True) + 1e-4)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 4)  # two answers to each of two prompts
    groups, said = which.view(-1, 2, 2), w.said.at(which)
    both = (_alone(w.reward[groups]) + _alone(w.further[groups])).flatten(1)
    advantage = (both - both.mean(-1, True)) / (both.std(-1, keepdim=True) + 1e-4)
    step = clipped((said.steps - said.under("old").steps).exp(), advantage.unsqueeze(-1), 0.2, 0.2)
    return -(chance * (step * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


target = Target(
    "- E[mean over tokens of the clipped gain of the sum of both rewards' deviations in their groups, normalised over the batch]",
    _objective,
    Acts(group=2, prompts=2, away=True, further=(0.0, 1.0, 1.0)),
)
