"""Distillation, on policy: the student answers, and at every step of its answer is held to all that the teacher would say there.

    loss = KL(policy || teacher) of each step of the policy's own answers, the mean over all steps

``views: {teacher: MODEL}`` names the teacher; rows are prompts, and no reward is read. Other divergences:
``recipe.terms.0.loss={part: against, view: teacher, loss: {part: jensen_shannon, beta: 0.5}}``.

Source: GKD, arXiv 2306.13649, with lmbda 1; the reverse KL and the learning rate are the defaults of TRL 1.16's ``DistillationTrainer`` (``beta`` 1), as is one answer to
each prompt.
Differs from OnPolicyDistillation: every step that might have been taken is summed over, in the place of the one that was.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.losses.against import Against
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Against(KLExact(), view="teacher")),), AdamW(learning_rate=1e-6), sampler=Group(num_generations=1))


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.probability] * 2)
    said = w.said.at(which)
    taught = said.under("teacher").next
    each = (said.next.exp() * (said.next - taught)).sum(-1) * said.mask
    return (chance * each.sum((-2, -1)) / said.length.sum(-1)).sum()


target = Target(
    "E[mean over the steps of two answers of KL(policy || teacher)], who is drawn held", _objective, Acts(group=2, views=("teacher",))
)
