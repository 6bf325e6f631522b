"""AdaCtrl: answers say whether their prompt is easy, are paid for saying it as it is for the policy, and for brevity where they call it easy.

    reward = right + 0.5 * (tag fits the group's success: 1, does not: 0, no tag: -1) + 0.5 * [right, tagged easy] (1 + cos(pi |y| / longest)) / 2

Rewards named ``right`` and ``tag`` are expected: a verifier, and ``leading_tag`` or another that says 0 for easy and 1 for hard. The policy is to have been shown
short answers tagged [Easy] and long ones tagged [Hard] (SFT). Afterwards whoever asks may write a tag behind the prompt, which then says how long the answer may be.

Source: AdaCtrl, Huang et al. 2025, arXiv 2505.18822, and its authors' script and code (``qwen-7b.sh``, ``ray_trainer.py``, ``reward_manager/naive.py``): 16 answers, clip 0.2 and
0.28, mean over tokens, no KL, learning rate 1e-6, 8 updates per batch, groups that are all right or all wrong drawn anew, up to ten times. Its punishment of answers that
are too long is DAPO's, a reward.
Differs from DAPO: the reward's two further terms, and groups are kept by what is right and not by what comes of them.
"""

import math
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.data.selection.success_window import SuccessWindow
from guerdon.feedback.combining.without import Without
from guerdon.feedback.shaping.tag_calibration import TagCalibration
from guerdon.feedback.shaping.where_tagged import WhereTagged
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
    sampler=Group(num_generations=16),
    combine=Without(("tag",)),
    shaping=(WhereTagged(), TagCalibration()),
    advantage=GroupCentred(GroupDeviation()),
    selection=(SuccessWindow(of="right"),),
    refills=9,
    minibatches=8,
)


def _objective(w: World, easy: bool) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 2)
    right, tag, said = w.reward[which], w.further[which], w.said.at(which)
    brief = (1 + torch.cos(math.pi * said.length / said.length.amax(-1, True))) / 2
    fits = torch.where(tag < 0, -1.0, (tag == (0 if easy else 1)).double())
    reward = right + 0.5 * fits + 0.5 * right * (tag == 0) * brief
    advantage = (reward - reward.mean(-1, True)) / (reward.std(-1, keepdim=True) + 1e-4)
    step = clipped((said.steps - said.under("old").steps).exp(), advantage.unsqueeze(-1), 0.2, 0.28)
    silent = right.sum(-1) != 1  # both right or both wrong: drawn once more
    gain = (step * said.mask).sum((-2, -1)) / said.length.sum(-1)
    return -(1 + chance[silent].sum()) * (chance * gain)[~silent].sum()


_named = replace(recipe, combine=Without(("second",)), selection=(SuccessWindow(of="world"),))
_SAYS = "- E[mean over the tokens of a group of which half is right of the clipped gain of right, tag and brevity], where half is {}"
target = tuple(  # of three answers the first is right and called easy, the second wrong, the third right without a tag
    Target(
        _SAYS.format("easy" if easy else "hard"),
        partial(_objective, easy=easy),
        Acts(group=2, away=True, rewards=(1.0, 0.0, 1.0), further=(0.0, tag, -1.0), refills=1),
        recipe=replace(_named, shaping=(WhereTagged(by="second"), TagCalibration(border=0.4 if easy else 0.625, by="second"))),
    )
    for easy in (False, True)
    for tag in (0.0, 1.0)
)
