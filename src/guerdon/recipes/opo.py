"""OPO: on-policy throughout, with the mean of the group's rewards, each weighed by its answer's length, as the baseline.

Source: OPO, arXiv 2505.23585: exact on-policy steps (one update per batch), the length-weighted baseline, no KL and no entropy
term; its authors' implementation in verl (``docs/algo/opo.md``), whose default is the mean over tokens. The learning rate 1e-6 and the
group of 8 are ours: verl's for the same models, and this library's usual one.
Differs from GRPO: the baseline, no scale, no clip, no KL, the token mean.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.length_weighted import LengthWeighted
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Reinforce(), reduce=TokenMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=LengthWeighted(),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.probability] * 3)
    reward, said = w.reward[which], w.said.at(which)
    baseline = (said.length * reward).sum(-1, True) / said.length.sum(-1, True)
    gain = ((reward - baseline).unsqueeze(-1) * said.steps * said.mask).sum((-2, -1)) / said.length.sum(-1)
    return -(chance * gain).sum()


target = Target("- E[mean over the group's tokens of (reward - length-weighted mean) log p], who drew held", _objective, Acts(group=3))
