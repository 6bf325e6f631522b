"""Forking tokens: DAPO that learns from the fifth of the tokens at which the policy was least decided, and from no others.

Source: "Beyond the 80/20 Rule", Wang et al. 2025, arXiv 2506.01939, with the share 0.2 on top of DAPO; averages are over all tokens. Entropies are those of the
policy before its first gradient step on the rollouts. ``top_entropy_quantile`` of TRL.
Differs from DAPO: tokens that are left out.
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.losses.choices.top_entropy import TopEntropy
from guerdon.losses.where import Where
from guerdon.recipes.dapo import recipe as dapo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped


def _undecided(share: float):
    return replace(dapo, terms=tuple(replace(term, loss=Where(TopEntropy(share), then=term.loss)) for term in dapo.terms))


recipe = _undecided(0.2)
half = _undecided(0.5)


def _objective_at(share: float, w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 2)
    spread = w.reward[which].std(-1, keepdim=True)
    advantage, said = (w.reward[which] - w.reward[which].mean(-1, True)) / (spread + 1e-4), w.said.at(which)
    step = clipped((said.steps - said.under("old").steps).exp(), advantage.unsqueeze(-1), 0.2, 0.28)
    entropy = -(said.next.exp() * said.next).sum(-1).detach()
    inside = torch.where(said.mask > 0, entropy, torch.nan).flatten(1)
    step = step * (entropy >= torch.nanquantile(inside, 1 - share, dim=-1)[:, None, None])
    silent = (spread == 0).squeeze(-1)
    gain = (step * said.mask).sum((-2, -1)) / said.length.sum(-1)
    return -(1 + chance[silent].sum()) * (chance * gain)[~silent].sum()


_where = Acts(group=2, away=True, rewards=(1.0, 0.0, 0.0), refills=1)
target = (
    Target(
        "- E[mean over a group's tokens of the clipped gain of those whose entropy is in the upper fifth]",
        lambda w: _objective_at(0.2, w),
        _where,
    ),
    Target("the same with the upper half", lambda w: _objective_at(0.5, w), _where, recipe=half),
)
