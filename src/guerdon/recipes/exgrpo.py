"""ExGRPO: beside fresh answers stands the surest of earlier right ones, for prompts that are solved about half of the time; what is replayed gains
most where the policy has lost it.

Source: ExGRPO, Zhan et al. 2025, Learning to Reason from Experience, arXiv 2510.02245, in the setting of its authors' script: no clip and no division by the group's spread or
by lengths, replayed tokens shaped by ratio / (ratio + 0.1), an entropy bonus of 0.001, 8 answers of which one is replayed, learning rate 1e-6, two minibatches.
``length`` as in ``dr_grpo``. Before anything is replayed the script clips, at 0.2; this does not. Half of its prompts are drawn from the buckets, here
``success_target`` with their width draws all, and a prompt that has never been tried counts as half solved.
Differs from Dr. GRPO: replay, the shaping, no clip, the bonus, which prompts come.
"""

import math

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.data.buffers.success_buckets import SuccessBuckets
from guerdon.data.selection.success_target import SuccessTarget
from guerdon.losses.choices.replayed import Replayed
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.truncated import Truncated
from guerdon.losses.penalties.entropy import Entropy
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.surrogates.saturating_ratio import SaturatingRatio
from guerdon.losses.where import Where
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(
        Term(
            Where(Replayed(), then=SaturatingRatio(0.1), otherwise=Corrected(Reinforce(), (Truncated(cap=math.inf),), view="")),
            reduce=ConstantLength(length=512),
        ),
        Term(Entropy(), weight=1e-3),
    ),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(scale=None),
    weighing=SuccessTarget(width=0.125),
    replay=SuccessBuckets(),
    minibatches=2,
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage, said = w.reward[which] - w.reward[which].mean(-1, True), w.said.at(which)
    gain = (said.steps - said.under("old").steps).exp() * advantage.unsqueeze(-1)
    entropy = -(said.next.exp() * said.next).sum(-1)
    of_tokens = (entropy * said.mask).sum((-2, -1)) / said.length.sum(-1)
    return -(chance * ((gain * said.mask).sum(-1).mean(-1) / 512 + 1e-3 * of_tokens)).sum()


target = Target(
    "a first step, which replays nothing: - E[mean over the group of (sum over tokens of p/p_old (reward - group mean)) / 512 + 0.001 mean entropy]",
    _objective,
    Acts(away=True),
)
