"""AEnt: GRPO with a bonus on the entropy of the two thirds of the vocabulary that may be meant, whose weight follows that entropy.

Source: AEnt, Shen 2025, On Entropy Control in LLM-RL Algorithms, arXiv 2509.03493, whose figures were not read; the functions of its code, and a script for it: a third is left
out, the entropy may be between 0.15 and 0.24 nats, the weight begins at 0.002, is moved by 0.002 times what is missing and stays between 0.0006 and
0.009; the token mean, no KL, learning rate 2e-6, and verl's clip of 0.2. There the weight rests for 30 steps at first. Eight answers here.
Differs from GRPO: the bonus, the token mean, no KL.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.penalties.trimmed_entropy import TrimmedEntropy
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.controllers.tolerance_band import ToleranceBand
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(
        Term(Clip(0.2)),
        Term(TrimmedEntropy(0.33), weight=ToleranceBand(0.002, 0.15, 0.24, "trimmed_entropy", rate=-0.002, least=0.0006, most=0.009)),
    ),
    optimiser=AdamW(learning_rate=2e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    entropy = -(said.next.exp() * said.next).sum(-1)  # of two actions a third is none
    step = clipped((said.steps - said.under("old").steps).exp(), advantage.unsqueeze(-1), 0.2, 0.2) + 0.002 * entropy
    return -(chance * (step * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


target = Target(
    "- E[mean over the group's tokens of the clipped gain + 0.002 times the entropy of what is left of the vocabulary]",
    _objective,
    Acts(away=True),
)
