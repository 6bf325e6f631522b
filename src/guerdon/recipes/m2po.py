"""M2PO: importance weights without a clip of their own; of the tokens that have gone on in the direction of their advantage as few are left
out as keep the second moment of the log-ratio within a budget.

Source: Zheng et al. 2025, Prosperity before Collapse, arXiv 2510.01161, as its authors' code and scripts have it: the budget 0.04, worked out anew at each gradient
step between the policy as it learns and the one that acted; ratios from 0.7 to 1.5 are never left out; 8 answers, the group's deviation as
the scale, the token mean, no KL, learning rate 1e-6, four minibatches of a batch. It was made for rollouts that are hundreds of updates old.
Its figures were not read. The code works the bound out of each micro-batch, this of the batch of a gradient step.
``masked`` is what AReaL calls M2PO: the mean is of what is left, and no ratio is spared.
Differs from GRPO: the bound moves with the batch and spares what is usual; the token mean, no KL. Differs from DPPO: by log-ratios, and a batch at a time.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.choices.second_moment import SecondMoment
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.truncated import Truncated
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.where import Where
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term


def _leaving_out(choice: SecondMoment) -> tuple[Term, ...]:
    return (Term(Where(choice, otherwise=Corrected(Reinforce(), (Truncated(cap=math.inf),), view=""), view="")),)


recipe = Recipe(
    terms=_leaving_out(SecondMoment(0.04, capped=True, spared_low=0.7, spared_high=1.5)),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    advantage=GroupCentred(GroupDeviation()),
    minibatches=4,
)
sparing_none = replace(recipe, terms=_leaving_out(SecondMoment(0.04, capped=True)))
masked = replace(recipe, terms=_leaving_out(SecondMoment(0.04)))


def _objective_at(capped: bool, spared: bool, w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 3)
    advantage = ((w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)).unsqueeze(-1)
    said = w.said.at(which)
    moved = (said.steps - said.under("old").steps).detach()
    kept = torch.stack([_kept(m, a * k, capped) for m, a, k in zip(moved, advantage, said.mask, strict=True)])
    if spared:
        kept = kept | ((moved.exp() > 0.7) & (moved.exp() < 1.5))
    step = kept * (said.steps - said.under("old").steps).exp() * advantage
    return -(chance * (step * said.mask).sum((-2, -1)) / said.length.sum(-1)).sum()


def _kept(moved: Tensor, advantage: Tensor, capped: bool) -> Tensor:
    """The tokens of a batch that are kept, by trying every bound."""
    with_it = moved * advantage > 0
    for bound in [*sorted(set(moved[with_it].abs().tolist()), reverse=True), 0.0]:
        seen = moved[with_it].abs()
        squares = seen.clamp(max=bound).square() if capped else seen[seen <= bound].square()
        if not len(squares) or squares.mean() <= 0.04:
            return ~(with_it & (moved.abs() > bound))
    raise AssertionError("a bound of 0 spends nothing")


_where = Acts(away=True)
_says = "- E[mean over the group's tokens of p/p_old times the advantage, of those that the "
target = (
    Target(_says + "second moment, cut to the bound, leaves, or between 0.7 and 1.5]", lambda w: _objective_at(True, True, w), _where),
    Target(_says + "second moment, cut to the bound, leaves]", lambda w: _objective_at(True, False, w), _where, recipe=sparing_none),
    Target(_says + "second moment of what is left leaves]", lambda w: _objective_at(False, False, w), _where, recipe=masked),
)
