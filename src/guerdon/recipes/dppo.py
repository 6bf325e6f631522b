"""DPPO: importance weights without a clip; a token that has gone too far in probability, not in ratio, in the direction that its advantage
favours is left out.

Source: Rethinking the Trust Region in LLM Reinforcement Learning, arXiv 2602.04879, with the binary total variation; bounds of 0.2 and the
square of the log-ratio with the weight 1e-3 beside it (after Kimi K2.5, arXiv 2602.02276) are those of prime-rl, whose default loss this
is. There it is the policy as it learns against the one that drew, so nothing is measured beforehand. Its square is not halved, ours is, so
that the weight below is 2e-3. Its rewards are centred by the group's mean and not divided.
Differs from GRPO: the ratio is not clipped but tokens left out, by differences of probabilities; the token mean; what holds the policy is
the policy that drew.
"""

import math

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.against import Against
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.probability_change import ProbabilityChange
from guerdon.losses.corrections.truncated import Truncated
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(
        Term(Corrected(Reinforce(), (Truncated(cap=math.inf), ProbabilityChange(0.2, 0.2)), view="")),
        Term(Against(KLSquare(), view="old"), weight=2e-3),
    ),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(scale=None),
)

tighter = Recipe(
    terms=(Term(Corrected(Reinforce(), (Truncated(cap=math.inf), ProbabilityChange(0.05, 0.1)), view="")), recipe.terms[1]),
    sampler=recipe.sampler,
    advantage=recipe.advantage,
)


def _objective_at(low: float, high: float, w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)).unsqueeze(-1)
    said, old = w.said.at(which), w.said.under("old").at(which)
    change = (said.steps.exp() - old.steps.exp()).detach()
    keep = ~(((advantage > 0) & (change > high)) | ((advantage < 0) & (change < -low)))
    behind = said.steps - old.steps
    step = keep * behind.exp() * advantage - 1e-3 * behind**2
    return -(chance * (step * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


target = (
    Target(
        "- E[mean over the group's tokens of p/p_old times the advantage, where the probability has not moved 0.2 on, - 0.001 (log p/p_old)^2]",
        lambda w: _objective_at(0.2, 0.2, w),
        Acts(away=True),
    ),
    Target("the same with 0.05 down and 0.1 up", lambda w: _objective_at(0.05, 0.1, w), Acts(away=True), recipe=tighter),
)
