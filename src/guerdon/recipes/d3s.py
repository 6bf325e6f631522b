"""D3S: GRPO that learns from few answers and few tokens at first, those of which there is most to learn, and from ever more of them.

Of a batch those answers are kept whose advantages have the largest variance, groups not told apart, and of their tokens those at which the size of the advantage
times the policy's entropy is the largest; the average is over these tokens.

Source: Wang et al. 2025, arXiv 2509.22115, of which abstract and a summary could be read: both shares go up in a straight line with progress. Where they begin
and end could not be looked up: a quarter of the answers and a fifth of the tokens, "fewer than 20 %" of all, to three quarters and four
fifths are ours. Entropies are those of the policy before its first gradient step on the rollouts. The rest as GRPO's script has it, without its KL.
Differs from GRPO: answers and tokens that are left out; no KL.
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.data.selection.advantage_spread import AdvantageSpread
from guerdon.losses.choices.top_weighted_entropy import TopWeightedEntropy
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.where import Where
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term
from guerdon.training.schedules.linear import Linear

recipe = Recipe(
    terms=(Term(Where(TopWeightedEntropy(Linear(0.2, end=0.8)), then=Clip(0.2), alone=True)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(),
    learned=(AdvantageSpread(Linear(0.25, end=0.75)),),
)
narrow = replace(
    recipe,
    terms=(Term(Where(TopWeightedEntropy(0.3), then=Clip(0.2), alone=True)),),
    learned=(AdvantageSpread(1.0),),
)


def _objective_at(kept: int, share: float, w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    subsets = torch.combinations(torch.arange(3), kept)  # [subsets, kept]
    best = advantage[:, subsets].var(-1, correction=0).argmax(-1)
    inside = torch.zeros_like(advantage).scatter(-1, subsets[best], 1.0).unsqueeze(-1) * said.mask
    step = clipped((said.steps - said.under("old").steps).exp(), advantage.unsqueeze(-1), 0.2, 0.2)
    weight = (-(said.next.exp() * said.next).sum(-1) * advantage.unsqueeze(-1).abs()).detach()
    bound = torch.nanquantile(torch.where(inside > 0, weight, torch.nan).flatten(1), 1 - share, dim=-1)
    inside = inside * (weight >= bound[:, None, None])
    return -(chance * (step * inside).sum((-2, -1)) / inside.sum((-2, -1))).sum()


target = (
    Target(
        "- E[mean of the clipped gain over those half of the tokens of the two answers furthest apart that have the largest |A| * entropy]",
        lambda w: _objective_at(2, 0.5, w),
        Acts(away=True),
    ),
    Target("the same with all answers and a third of the tokens", lambda w: _objective_at(3, 0.3, w), Acts(away=True), recipe=narrow),
)
