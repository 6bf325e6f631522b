"""CISPO: bound the importance weight instead of clipping the token, so that rare decisive tokens keep their gradient.

Source: MiniMax-M1, arXiv 2506.13585, eqs. 4 and 5: token mean, the group's deviation as the scale, no KL. The upper bound is tuned there and not
stated; see ``losses.surrogates.bounded_weight``. Four steps per batch (16 there) and GRPO's learning rate are our
choice; with one step the weight is 1 and this is REINFORCE.
Differs from GRPO: the surrogate, the token mean, no KL.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.losses.surrogates.bounded_weight import BoundedWeight
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(BoundedWeight(), reduce=TokenMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
    minibatches=4,
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    weight = (said.steps - said.under("old").steps).exp().clamp(max=1.2).detach()
    step = weight * advantage.unsqueeze(-1) * said.steps
    return -(chance * (step * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


target = Target("- E[mean over the group's tokens of min(ratio, 1.2), held, times the advantage times log p]", _objective, Acts(away=True))
