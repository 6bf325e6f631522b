"""GPG: the plain policy gradient over groups, made up for those that say nothing.

Source: GPG, arXiv 2504.02546: no critic, no reference, no clip, the group's mean as the baseline, and alpha = B / (B - M) with M the
answers in groups without a difference (``LiveShare``), F_norm 1; the learning rate 1e-6 and the mean over tokens: verl's example
(``examples/gpg_trainer``), whose alpha is another one (``NonzeroShare``). Eight answers: ours.
Differs from Dr. GRPO: no clip, the share of live groups as the scale, the token mean.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.live_share import LiveShare
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
    advantage=GroupCentred(LiveShare()),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.probability] * 4)  # two answers to each of two prompts
    reward, said = w.reward[which].view(-1, 2, 2), w.said.at(which)
    centred = reward - reward.mean(-1, True)
    live = (reward[..., 0] != reward[..., 1]).double().mean(-1)
    advantage = (centred / live.clamp(min=0.5)[:, None, None]).view(-1, 4)  # 0 where none is live
    gain = (advantage.unsqueeze(-1) * said.steps * said.mask).sum((-2, -1)) / said.length.sum(-1)
    return -(chance * gain).sum()


target = Target(
    "- E[mean over the batch's tokens of (reward - group mean) log p / share of live groups], who drew held",
    _objective,
    Acts(group=2, prompts=2, rewards=(1.0, 0.0, 0.0)),
)
