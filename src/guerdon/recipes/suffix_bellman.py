"""ShiQ: the policy's logits are shifted values; from every step on, what is earned is held against what the step's value says.

Source: ShiQ, Bringing back Bellman to LLMs, arXiv 2505.11081 (its abstract and descriptions of it). It is for logged answers as much as for fresh ones: ``fit`` takes the term
as it is, with a ``step_reward`` for each step. Its numbers are not known to us: GRPO's learning rate, and ``beta`` 0.1, the usual one of methods for logged answers: ours.
Differs from TBRM: a residual for each suffix, so that a step hears what came after it and not what came before; values count from the reference's.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.losses.values.suffix_residual import SuffixResidual
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(SuffixResidual(beta=0.1)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=1),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(w.said.under("old").probability)
    said = w.said.at(which[:, 0])
    mine, reference = (w.said.tables[view][0].logsumexp(-1)[w.nodes()[which[:, 0]]] for view in ("", "ref"))
    apart = said.steps - said.under("ref").steps
    following = w.reward[which[:, 0]].unsqueeze(-1) / 0.1 - apart.flip(-1).cumsum(-1).flip(-1)  # no step earns anything before the last
    return (chance * ((following - mine + reference) ** 2 * said.mask).sum(-1) / said.length).sum()


target = Target(
    "E[mean over steps of (reward / 0.1 - log p/ref from here on - (log sum exp of the step's logits - the reference's))^2], whoever acted",
    _objective,
    Acts(group=1, away=True),
)
