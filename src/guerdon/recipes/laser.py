"""LASER: GRPO in which a right answer within a target length earns a bonus.

Source: LASER, Liu et al. 2025, arXiv 2505.15612, and its authors' scripts: a bonus of 0.5 within 4,096 tokens (others try 2,048 to
8,192: set ``recipe.shaping.0.target`` to what right answers of yours come near), the clip 0.2 and 0.28, KL in the loss with weight
0.001, an entropy bonus of 0.001, 8 answers, two minibatches, learning rate 1e-6; the group's deviation and the token mean of the verl
that it is built on. LASER-D, whose targets follow difficulty, is ``recipe.shaping: [length_bonus_by_difficulty]``.
Differs from GRPO: the bonus for length, the upper bound, the token mean, the weights.
"""

from dataclasses import replace

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.feedback.shaping.length_bonus import LengthBonus
from guerdon.losses.penalties.entropy import Entropy
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2, epsilon_high=0.28)), Term(KLExponential(), weight=1e-3), Term(Entropy(), weight=1e-3)),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    shaping=(LengthBonus(target=4096),),
    advantage=GroupCentred(GroupDeviation()),
    minibatches=2,
)
one_token = replace(recipe, shaping=(LengthBonus(target=1),))


def _objective_at(longest: int, w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    said = w.said.at(which)
    reward = w.reward[which] + 0.5 * ((w.reward[which] >= 0.5) & (said.length <= longest))
    advantage = (reward - reward.mean(-1, True)) / (reward.std(-1, keepdim=True) + 1e-4)
    behind = said.under("ref").steps - said.steps
    entropy = -(said.next.exp() * said.next).sum(-1)
    step = clipped((said.steps - said.under("old").steps).exp(), advantage.unsqueeze(-1), 0.2, 0.28)
    step = step - 1e-3 * (behind.exp() - behind - 1) + 1e-3 * entropy
    return -(chance * (step * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


_says = "- E[mean over the group's tokens of the clipped gain of reward + 0.5 where it is right and within {} tokens - 0.001 KL + 0.001 entropy]"
target = (
    Target(_says.format(4096), lambda w: _objective_at(4096, w), Acts(away=True)),
    Target(_says.format(1), lambda w: _objective_at(1, w), Acts(away=True), recipe=one_token),
)
