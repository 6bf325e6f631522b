"""On-policy distillation: reinforcement learning whose reward is the teacher's word: a step of the student was good as far as the teacher would have taken it more likely.

    advantage = log teacher - log policy, of the step taken;    loss = - advantage log p, the mean over all steps

The teacher is asked of the tokens that were sampled and of no others, before the gradient step: one number per token, which a server can send too. ``views: {teacher: MODEL}``
names it; no reward is read, and ``recipe.advantage.besides`` takes one in.

Source: Thinking Machines Lab 2025, On-Policy Distillation (thinkingmachines.ai/blog/on-policy-distillation): reverse KL of each token, no discount, 4 answers to
each prompt. Token mean: as in ``distillation``; learning rate: that of GRPO. On the policy's own samples no ratio is needed; with several steps on a batch take ``clip``.
Differs from Distillation: the gradient is the same in expectation, estimated from the step taken.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.teacher_log_ratio import TeacherLogRatio
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Reinforce()),), AdamW(learning_rate=1e-6), sampler=Group(num_generations=4), advantage=TeacherLogRatio())


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.probability] * 2)
    said = w.said.at(which)
    lead = (said.under("teacher").steps - said.steps).detach()
    return -(chance * (lead * said.steps * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


target = Target(
    "- E[mean over the steps of two answers of (log teacher - log p, held) log p], who is drawn held",
    _objective,
    Acts(group=2, views=("teacher",)),
)
