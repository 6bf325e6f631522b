"""Dr. GRPO: GRPO without its two biases, the division by each answer's length and by the group's spread.

Source: Dr. GRPO, arXiv 2503.20783, section 3.2 and listing 1; clip 0.2, 8 answers, learning rate 1e-6, no KL: its table 6. ``length`` is the generation budget
(3,000 there), here the default ``max_completion_length``, 512; another constant scales the gradient, which AdamW does not feel but the bound on its norm does.
Differs from GRPO: no scale, a constant in the place of the length, no KL.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2), reduce=ConstantLength(length=512)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(scale=None),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage, said = w.reward[which] - w.reward[which].mean(-1, True), w.said.at(which)
    step = clipped((said.steps - said.under("old").steps).exp(), advantage.unsqueeze(-1), 0.2, 0.2)
    return -(chance * ((step * said.mask).sum(-1) / 512).mean(-1)).sum()


target = Target(
    "- E[mean over the group of (sum over steps of the clipped gain of reward - group mean) / 512]", _objective, Acts(away=True)
)
