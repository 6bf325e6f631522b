"""What the experiments share in which a policy learns from solutions with steps: who learns, and what is known of it as it goes.

The policy sees the number that was said last and the next operation (``Solutions.looks``), in whichever problem: what it learns of a step in one it knows in all, as a network
does and a table of prefixes does not. A process model of the same kind sees the same.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from guerdon.atlas._text import Along
from guerdon.models.finite.tied_table import TiedPolicy
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.recipe import Budget, Recipe
from guerdon.worlds.finite.solutions import Solutions


def tied(world: Solutions, seed: int, **start: float) -> TiedPolicy:
    """The policy of ``Solutions.start`` as far as it can be told by looks: in each the mean of its probabilities over the prefixes that look so."""
    full, looks = world.start(seed=derive(seed, "start"), **start), world.looks()
    steps = full.logits.detach().softmax(-1).flatten(0, 1)
    size = world.values**2
    sums = torch.zeros(size, steps.shape[-1], dtype=steps.dtype).index_add(0, looks.flatten(), steps)
    count = torch.bincount(looks.flatten(), minlength=size).clamp(min=1).unsqueeze(-1)
    return TiedPolicy(world.tree, (sums / count).clamp(min=1e-12).log(), looks)


def another(policy: TiedPolicy) -> TiedPolicy:
    """A trainable copy."""
    return copy.deepcopy(policy)


def trained(
    method: Recipe,
    world: Solutions,
    policy: TiedPolicy,
    seed: int,
    stops: tuple[int, ...],
    learners: Mapping[str, Any] | None = None,
    look: Callable[[], Mapping[str, float]] = dict,
) -> dict[str, dict[int, float]]:
    """``success``, exact, and what ``look`` says, before training and after so many steps on all problems; and under ``mean success`` the mean over the stops after the start."""
    rewards = world.rewards()
    along = Along(stops, lambda: {"success": float(policy.expect(rewards).detach().mean()), **look()})
    budget = Budget(steps=max(stops), batch_size=world.contexts, seed=derive(seed, "training"))
    improve(policy, FiniteScene(world), world.train(), method, budget, Decoding(world.depth), display=along, learners=learners)
    return along.curves


def mean_after(curve: Mapping[int, float]) -> float:
    """The mean over the stops after the start: how fast, in one number."""
    found = [value for stop, value in curve.items() if stop]
    return sum(found) / len(found)


def told_apart(score: Tensor, chance: Tensor, outcome: Tensor) -> float:
    """How likely a right and a wrong solution of a problem, drawn with their ``chance``, are ranked so by ``score``, [C, S] each; the mean over problems that have both. Of equal
    scores either may be first."""
    found = []
    for own, p, good in zip(score, chance, outcome > 0.5, strict=True):
        if not 0 < float(p[good].sum()) < float(p.sum()):
            continue
        order = own.argsort()
        below = torch.where(good, 0.0, p)[order].cumsum(0)
        levels = torch.unique(own, return_inverse=True)[1]
        at = torch.zeros(int(levels.max()) + 1, dtype=p.dtype).index_add(0, levels, torch.where(good, 0.0, p))
        under = at.cumsum(0)[levels] - at[levels] / 2
        found.append(float((p * under)[good].sum() / (p[good].sum() * below[-1])))
    return sum(found) / max(len(found), 1)
