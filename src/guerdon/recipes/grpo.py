"""GRPO: no critic; an answer is as good as it beats the other answers to the same prompt, in units of their spread.

Source: DeepSeekMath, arXiv 2402.03300, eqs. 3 and 4 and section 4.1; KL in the loss with weight 0.04, learning rate 1e-6, one update per
batch: its section 4.2. Its bound of the clip is not stated: 0.2 is PPO's and TRL's. Its group is 64; 8 here, as in TRL.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2), reduce=SequenceMean()), Term(KLExponential(), weight=0.04, reduce=SequenceMean())),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    behind = said.under("ref").steps - said.steps
    step = clipped((said.steps - said.under("old").steps).exp(), advantage.unsqueeze(-1), 0.2, 0.2) - 0.04 * (behind.exp() - behind - 1)
    return -(chance * ((step * said.mask).sum(-1) / said.length).mean(-1)).sum()


target = Target(
    "- E[mean over the group of (mean over steps of (the clipped gain - 0.04 (ref/p - log ref/p - 1)))]", _objective, Acts(away=True)
)
