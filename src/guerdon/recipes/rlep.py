"""RLEP: beside the fresh answers to a prompt stand two right ones that it got before, and advantages are over all of them.

Source: RLEP, Zhang et al. 2025, arXiv 2507.07451, section 3.2, and its authors' script: two of the kept answers beside 16 fresh ones,
bounds of 0.2 and 0.28 and a second one of 10, the group's deviation as the scale, the token mean, no KL, learning rate 1e-6, eight
minibatches of a batch. There the kept answers come from an earlier run, here also from this one. Its penalty of overlong answers is
``reward: {short: {part: length, ...}}``.
Differs from DAPO: replay, the second bound, no groups that are dropped.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.data.buffers.earlier_successes import EarlierSuccesses
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2, epsilon_high=0.28, dual=10.0)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=16),
    advantage=GroupCentred(GroupDeviation()),
    replay=EarlierSuccesses(count=2),
    minibatches=8,
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    step = clipped((said.steps - said.under("old").steps).exp(), advantage.unsqueeze(-1), 0.2, 0.28)
    return -(chance * (step * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


target = Target(
    "a first step, before which nothing is kept: - E[mean over the group's tokens of the clipped gain of the normalised reward]",
    _objective,
    Acts(away=True),
)
