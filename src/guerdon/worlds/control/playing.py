"""Playing in control worlds: B episodes at once, with a rule that acts, until they end or are cut off."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.randomness import generator
from guerdon.worlds.control import World

Acting = Callable[[Tensor, int], Tensor]
"""Observations [B, D] of the episodes that go on, and the step that it is → actions, [B] or [B, A]."""


@dataclass(frozen=True)
class Played:
    """``returns`` [B], or [B, M] of M objectives, and ``costs`` [B], undiscounted sums; ``length`` [B]; ``terminated`` [B]: false where the time limit cut it off."""

    returns: Tensor
    costs: Tensor
    length: Tensor
    terminated: Tensor


def play(world: World, act: Acting, count: int, seed: int, steps: int | None = None) -> Played:
    """``count`` episodes; an episode is the same whoever else is played. ``steps``: the time limit; None: the world's horizon."""
    steps = world.horizon if steps is None else steps
    state = world.begin(torch.rand(count, world.begins, generator=generator(seed, "begin"), dtype=torch.float64))
    returns, costs = None, torch.zeros(count, dtype=torch.float64)
    length = torch.zeros(count, dtype=torch.long)
    going = torch.arange(count)
    for t in range(steps):
        uniforms = torch.rand(count, world.noise, generator=generator(seed, "step", t), dtype=torch.float64)[going] if world.noise else None
        state, reward, over, cost = world.step(state, act(world.observe(state), t), uniforms)
        returns = torch.zeros(count, *reward.shape[1:], dtype=torch.float64) if returns is None else returns
        returns[going] += reward
        if cost is not None:
            costs[going] += cost
        length[going] += 1
        going, state = going[~over], state[~over]
        if not len(going):
            break
    terminated = torch.ones(count, dtype=torch.bool)
    terminated[going] = False
    return Played(returns, costs, length, terminated)
