"""MaxRL: towards the likelihood of a right answer, by dividing what is learned of a prompt by how often it is solved.

Source: MaxRL, arXiv 2602.02710; 16 answers, learning rate 1e-6, one update per batch, no KL: the authors' script
(``qwen3_experiments``), whose clip has nothing to do where the policy is the one that drew. An answer's log-probability is a sum over its
tokens, as in the paper's gradient: the reduction is a constant length of 1. (Their verl takes the mean over tokens.)
For rewards of 0 and 1.
Differs from GRPO: the group's mean in the place of its deviation, no clip, no KL.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_average import GroupAverage
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Reinforce(), reduce=ConstantLength(length=1)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=16),
    advantage=GroupCentred(GroupAverage()),
)


def _objective(w: World) -> Tensor:
    right = w.said.probability @ w.reward
    return -sum((1 - (1 - right) ** k) / k for k in (1, 2))


target = Target("- sum over k < 3, the group's size, of pass@k / k", _objective, Acts(group=3, rewards=(1.0, 0.0, 0.0)))
