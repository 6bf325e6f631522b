"""GiGPO: GRPO for answers of many turns, in which a turn is also compared with what others did in the same state.

Where no answer has a second turn it is GRPO's advantage twice. States are what the environment said last; ``every_token`` takes tokens for turns and all that was said for the
state.

Source: GiGPO, arXiv 2505.10978, and its authors' code (verl-agent): ``run_alfworld.sh`` (groups of 8, deviations, gamma 0.95, weight 1, KL in the loss with weight 0.01,
learning rate 1e-6) and ``core_gigpo.py`` (means of a group are over turns); clip of 0.2 and mean over tokens are verl's defaults. There a penalty of 0.1 for actions that
cannot be is part of the reward.
Differs from GRPO: the second advantage, the token mean, a weaker KL.
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.anchor_group import AnchorGroup
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.credit.segments.every_n import EveryN
from guerdon.credit.segments.turns import Turns
from guerdon.credit.states.so_far import SoFar
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2), reduce=TokenMean()), Term(KLExponential(), weight=0.01, reduce=TokenMean())),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    segments=Turns(),
    advantage=AnchorGroup(weight=1.0, gamma=0.95, scale=GroupDeviation(epsilon=1e-6), each_turn=True),
)
every_token = replace(recipe, segments=EveryN(1), advantage=replace(recipe.advantage, states=SoFar()))


def _loss(w: World, which: Tensor, chance: Tensor, advantage: Tensor) -> Tensor:
    said = w.said.at(which)
    behind = said.under("ref").steps - said.steps
    gain = clipped((said.steps - said.under("old").steps).exp(), advantage, 0.2, 0.2) - 0.01 * (behind.exp() - behind - 1)
    return -(chance * (gain * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


def _one_turn(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    reward = w.reward[which]
    centred = (reward - reward.mean(-1, True)) / (reward.std(-1, keepdim=True) + 1e-6)
    return _loss(w, which, chance, 2 * centred.unsqueeze(-1))


def _tokens(w: World) -> Tensor:
    """Counted out, group by group: the first tokens are all in one state, the second ones of those who did not stop are in another."""
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    reward, length = w.reward[which], w.said.length[which]
    advantage = torch.zeros(len(which), 3, 2, dtype=torch.float64)
    for row, (own, long) in enumerate(zip(reward, length, strict=True)):
        turns = torch.cat([own[i].repeat(int(long[i])) for i in range(3)])
        advantage[row] = _standard(own, turns).unsqueeze(-1)
        first = own * 0.95 ** (long - 1)
        advantage[row, :, 0] += _standard(first, first)
        went_on = long == 2
        if went_on.sum() > 1:
            advantage[row, went_on, 1] += _standard(own[went_on], own[went_on])
    return _loss(w, which, chance, advantage)


def _standard(value: Tensor, among: Tensor) -> Tensor:
    return (value - among.mean()) / (among.std() + 1e-6)


target = (
    Target(
        "- E[mean over the group's tokens of (the clipped gain of twice the standardised reward - 0.01 (ref/p - log ref/p - 1))]",
        _one_turn,
        Acts(away=True),
    ),
    Target(
        "the same with the reward, standardised over tokens, and the discounted return, standardised among the tokens of the same prefix",
        _tokens,
        Acts(away=True),
        recipe=every_token,
    ),
)
