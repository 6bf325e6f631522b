"""ESRL: REINFORCE against the mean of the last rewards, with fewer answers to prompts that the policy can do.

Source: arXiv 2308.02223, abstract, and its code for language models. Answers are drawn without gradients and measured in one pass afterwards, its two stages, as
everywhere here. The loss is that of a whole answer (a constant length of 1); 8 answers at most, the length of the queue and the learning rate: ours. That the
temperature follows the capability as well is left out: how could not be looked up.
Differs from RLOO: the baseline is the past, and answers are saved.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.queue_baseline import QueueBaseline
from guerdon.data.allocation.by_capability import ByCapability
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Reinforce(), reduce=ConstantLength(length=1)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=QueueBaseline(),
    allocation=ByCapability(),
)


def _objective(w: World) -> Tensor:
    return -w.said.probability @ w.reward


target = Target("- E[reward], in the first step, whose queue is empty", _objective, Acts())
