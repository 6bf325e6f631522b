"""ReLIFT: reinforcement learning, and a step of fine-tuning on demonstrations of what no answer solved whenever a batch of these has come
together.

Source: Ma et al. 2025, Learning What Reinforcement Learning Can't, arXiv 2506.07527, in the setting of its authors' script: no clip, no
division by the group's spread or by lengths, an entropy bonus of 0.001, 8 answers, two minibatches, learning rate 1e-6, lessons of 128
rows with the same learning rate. ``length`` as in ``dr_grpo``. Demonstrations are in the column ``solution`` of the task; there a
stronger model writes them on demand. The script has the bonus in its lessons, too, and an optimiser of their own.
Differs from Dr. GRPO: the lessons, no clip, the bonus.
"""

import math

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.data.lessons.failed_prompts import FailedPrompts
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.truncated import Truncated
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.penalties.entropy import Entropy
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(
        Term(Corrected(Reinforce(), (Truncated(cap=math.inf),), view=""), reduce=ConstantLength(length=512)),
        Term(Entropy(), weight=1e-3),
        Term(NegativeLogLikelihood(), data="lessons"),
    ),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(scale=None),
    lessons=FailedPrompts(rows=128),
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
    "a step in which no lesson is due: - E[mean over the group of (sum over tokens of p/p_old (reward - group mean)) / 512 + 0.001 mean entropy]",
    _objective,
    Acts(away=True, given=(("solution", 2),)),
)
