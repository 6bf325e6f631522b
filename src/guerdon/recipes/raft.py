"""RAFT: sample, rank, and fine-tune on the best answer to each prompt.

Source: RAFT, arXiv 2304.06767; one pass over the kept answers before the next are sampled. Best of 8 and a learning rate of 2e-5, that of
SFT, are our choice; the paper has more reward with more answers.
Differs from SFT: the demonstrations are the policy's own best answers.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.data.selection.best_of_group import BestOfGroup
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(NegativeLogLikelihood()),),
    optimiser=AdamW(learning_rate=2e-5),
    sampler=Group(num_generations=8),
    selection=(BestOfGroup(),),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.probability] * 3)
    best = which.gather(-1, w.reward[which].argmax(-1, keepdim=True)).squeeze(-1)
    return -(chance * w.said.mean[best]).sum()


target = Target("- E[log p(best of the group) / length], over who is drawn a constant", _objective, Acts())
