"""TBRM: the policy's logits are its values; one squared Bellman residual a sequence, and neither critic, importance weights nor clip.

Source: Trajectory Bellman Residual Minimization, arXiv 2505.15311 (its abstract and descriptions of it): one answer to a prompt is enough, and whoever drew it may have been
another policy, so earlier answers can be gone over again. Its learning rate is not known to us: GRPO's 1e-6; ``beta`` 1e-3: ours.
Differs from GRPO: answers are not compared with each other; the KL of the objective is inside the square, and moves what the loss is 0 at.
"""

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.values.trajectory_residual import TrajectoryResidual
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(TrajectoryResidual(beta=1e-3), reduce=SequenceMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=1),
)

broad = Recipe(terms=(Term(TrajectoryResidual(beta=0.5), reduce=SequenceMean()),), sampler=recipe.sampler)


def _objective_at(beta: float, w: World) -> Tensor:
    which, chance = w.draws(w.said.under("old").probability)
    first = w.said.tables[""][0, 0].logsumexp(-1)
    return (chance * (first + w.said.at(which[:, 0]).ratio - w.reward[which[:, 0]] / beta) ** 2).sum()


target = (
    Target(
        "E[(log sum exp of the first step's logits + log p/ref - reward / 0.001)^2], whoever acted",
        lambda w: _objective_at(1e-3, w),
        Acts(group=1, away=True),
    ),
    Target("the same at a beta of 0.5", lambda w: _objective_at(0.5, w), Acts(group=1, away=True), recipe=broad),
)
