"""GSPO: ratio and clip belong to the whole answer, not to the token.

Source: GSPO, arXiv 2507.18071, eqs. 5 to 7 and, by token, 13 and 14; bounds 3e-4 and 4e-4 and four minibatches per batch: its section 5.1. No KL.
Differs from GRPO: the surrogate, no KL.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.sequence_ratio import SequenceRatio
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(SequenceRatio(), reduce=SequenceMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
    minibatches=4,
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    return -(chance * clipped((said.mean - said.under("old").mean).exp(), advantage, 3e-4, 4e-4).mean(-1)).sum()


target = Target("- E[mean over the group of the gain, clipped by the ratio of length-normalised likelihoods]", _objective, Acts(away=True))
