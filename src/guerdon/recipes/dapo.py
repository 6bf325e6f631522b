"""DAPO: GRPO that keeps exploring: a wider upper bound, groups that teach nothing replaced, every token counted the same, no KL.

Source: DAPO, arXiv 2503.14476, eqs. 8 and 10 to 12: clip 0.2 and 0.28, dynamic sampling, token mean, learning rate 1e-6, 16 updates per batch of 512 prompts with 16
answers each: its section 4.1 (8 answers and 4 updates here). ``refills`` bounds how often a batch is filled up; the paper has no bound. Its
fourth part, the soft punishment of answers that are too long, is a reward: ``reward: {..., long: {part: length, max_length: ..., cache: ...}}``.
Differs from GRPO: the upper bound, the selection, the token mean, no KL.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.data.selection.zero_variance import ZeroVariance
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2, epsilon_high=0.28), reduce=TokenMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
    selection=(ZeroVariance(),),
    refills=4,
    minibatches=4,
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 2)
    spread = w.reward[which].std(-1, keepdim=True)
    advantage, said = (w.reward[which] - w.reward[which].mean(-1, True)) / (spread + 1e-4), w.said.at(which)
    step = clipped((said.steps - said.under("old").steps).exp(), advantage.unsqueeze(-1), 0.2, 0.28)
    silent = (spread == 0).squeeze(-1)  # a group that teaches nothing, which is drawn once more
    gain = (step * said.mask).sum((-2, -1)) / said.length.sum(-1)
    return -(1 + chance[silent].sum()) * (chance * gain)[~silent].sum()


target = Target(
    "- E[mean over the tokens of a group with right and wrong answers of the clipped gain, up to 1.28 above]",
    _objective,
    Acts(group=2, away=True, rewards=(1.0, 0.0, 0.0), refills=1),
)
