"""IcePop: GRPO that leaves out tokens about whose probability sampler and learner are far apart, on either side, and weighs the others by the
ratio.

Source: Ring-1T, arXiv 2510.18855, its objective with the masking function M: the ratio of the learner before its steps to the sampler where
it lies in [0.5, 5], else 0, times the clipped gain of a ratio of the learner to itself before its steps; the mean over each answer's
tokens, then over the group, as in GRPO. The bounds are those that verl gives for it, the paper's were
not looked up. It was made for mixtures of experts, of which the two programs may choose other experts for a token. The clip's bound is GRPO's.
Differs from GRPO: the weights, the proximal policy, no KL. Differs from TIS: beyond a bound a token counts nothing.
"""

from dataclasses import replace

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.masked import Masked
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Corrected(Clip(0.2), (Masked(low=0.5, high=5.0),)), reduce=SequenceMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
)

tighter = replace(recipe, terms=(Term(Corrected(Clip(0.2), (Masked(low=0.8, high=1.3),)), reduce=SequenceMean()),))


def _objective_at(low: float, high: float, w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    ratio = (said.steps - said.under("old").steps).exp().detach()
    step = ratio * ((ratio >= low) & (ratio <= high)) * advantage.unsqueeze(-1) * (said.steps - said.steps.detach()).exp()
    return -(chance * ((step * said.mask).sum(-1) / said.length).mean(-1)).sum()


target = (
    Target(
        "- E[mean over the group of the mean over tokens of p_proximal/p_old, held, where it is in [0.5, 5], times the clipped gain of p/p_proximal]",
        lambda w: _objective_at(0.5, 5.0, w),
        Acts(away=True),
    ),
    Target("the same with [0.8, 1.3]", lambda w: _objective_at(0.8, 1.3, w), Acts(away=True), recipe=tighter),
)
