"""TIS: GRPO whose rollouts another program drew, weighed by how much more likely they are for the learner, cut above.

Source: Yao et al. 2025, "Your Efficient RL Framework Secretly Brings You Off-Policy RL Training" (fengyao.notion.site/off-policy-rl): the
weight of the learner before its steps to the sampler, cut at C and held, times the clipped gain of a ratio of the learner to itself before
its steps. Its C is a hyperparameter; 2 is verl's default. What it is put on is DAPO or PPO there; here it is our GRPO with the token mean
and without KL, as most run it.
Differs from GRPO: the weights, the proximal policy, the token mean, no KL.
"""

from dataclasses import replace

from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.truncated import Truncated
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Corrected(Clip(0.2), (Truncated(cap=2.0),))),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
)

tighter = replace(recipe, terms=(Term(Corrected(Clip(0.2), (Truncated(cap=1.1),))),))


def _objective_at(cap: float, w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    weight = (said.steps - said.under("old").steps).exp().clamp(max=cap).detach()
    step = weight * advantage.unsqueeze(-1) * (said.steps - said.steps.detach()).exp()
    return -(chance * (step * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


target = (
    Target(
        "- E[mean over the group's tokens of min(p_proximal/p_old, 2), held, times the clipped gain of p/p_proximal]",
        lambda w: _objective_at(2.0, w),
        Acts(away=True),
    ),
    Target("the same with weights that are cut at 1.1", lambda w: _objective_at(1.1, w), Acts(away=True), recipe=tighter),
)
