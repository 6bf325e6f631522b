"""REINFORCE++ with a baseline: several answers to a prompt, compared with their mean, and normalised over the whole batch.

Source: REINFORCE++, arXiv 2501.03262, its variant with a baseline (w/ baseline); as its authors have it in OpenRLHF
(``reinforce_baseline``): the outcome less the group's mean, the KL a return to go beside it, and mean and deviation over all tokens. Eight
answers, as in its example scripts; the rest as in ``reinforce_plus_plus``. (slime and NeMo-RL let a token bear its own KL alone:
``advantage: {part: batch_normalised, advantage: {part: penalties_apart, gamma: 0}}``.)
Differs from GRPO: the deviation is that of the batch, and the KL is in the reward.
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.penalties_apart import PenaltiesApart
from guerdon.recipes.reinforce_plus_plus import normalised_gain
from guerdon.recipes.reinforce_plus_plus import recipe as reinforce_plus_plus
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World

recipe = replace(reinforce_plus_plus, sampler=Group(num_generations=8), advantage=BatchNormalised(PenaltiesApart(GroupCentred(scale=None))))


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 4)  # two answers to each of two prompts
    said, outcome = w.said.at(which), w.reward[which].view(-1, 2, 2)
    centred = (outcome - outcome.mean(-1, True)).view(-1, 4, 1)
    paid = torch.where(said.mask > 0, -0.01 * (said.under("old").steps - said.under("ref").steps), 0.0)
    to_go = paid.flip(-1).cumsum(-1).flip(-1)
    return -(chance * normalised_gain(w, which, centred + to_go)).sum()


target = Target(
    "- E[mean over tokens of the clipped gain of (reward - group mean) - 0.01 (log-ratios to go), normalised over the batch]",
    _objective,
    Acts(group=2, prompts=2, away=True),
)
