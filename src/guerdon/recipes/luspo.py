"""LUSPO: GSPO in which an answer counts by its length, so that a token counts the same in short and in long ones.

Source: LUSPO, arXiv 2602.05261: the sequence loss of GSPO times the length of the answer; ``loss_type: luspo`` of TRL, whose index of papers gives the
bounds of the ratio, 2e-3 and 2.5e-3 (its section 5.1). The rest is GSPO's.
Differs from GSPO: the reduction, and wider bounds.
"""

from dataclasses import replace

from torch import Tensor

from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.sequence_ratio import SequenceRatio
from guerdon.recipes.gspo import recipe as gspo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.recipe import Term

recipe = replace(gspo, terms=(Term(SequenceRatio(2e-3, 2.5e-3), reduce=ConstantLength(length=1)),))
wider = replace(gspo, terms=(Term(SequenceRatio(0.2, 0.3), reduce=ConstantLength(length=1)),))


def _objective_at(low: float, high: float, w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    gain = clipped((said.mean - said.under("old").mean).exp(), advantage, low, high)
    return -(chance * (said.length * gain).mean(-1)).sum()


target = (
    Target(
        "- E[mean over the group of the length times the gain, clipped by the ratio of length-normalised likelihoods]",
        lambda w: _objective_at(2e-3, 2.5e-3, w),
        Acts(away=True),
    ),
    Target("the same with bounds of 0.2 and 0.3", lambda w: _objective_at(0.2, 0.3, w), Acts(away=True), recipe=wider),
)
