"""Tabulated: a control world of finitely many states as the tables of a decision process, for exact solvers.

States are found by stepping: those in which it begins, and all that follow from them by any action and any outcome of the noise. Worlds say ``outcomes``: numbers of the noise
that stand for what may happen, with their probabilities; a world without noise has one. Choices of several agents are counted together, the last one's
fastest. The end is a state of its own, the last.
"""

import itertools
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.worlds.control import Discrete, MultiDiscrete
from guerdon.worlds.finite.decision_process import MDP


def tabulated(
    world: Any, beginning: Tensor, weights: Tensor | None = None, objective: int | None = None, discount: float = 1.0, most: int = 20_000
) -> tuple[MDP, Tensor]:
    """The tables, and the states [S, D] in their order.

    Args:
        beginning: [N, D], the states in which it begins, with their ``weights`` (None: as likely).
        objective: which of several; None where there is one.

    Raises:
        InputError: actions are no choices, or there are more states than ``most``.
    """
    if not isinstance(world.actions, Discrete | MultiDiscrete):
        raise InputError(f"{type(world).__name__}: only worlds whose actions are finitely many choices have tables")
    joint = [range(n) for n in world.actions.n] if isinstance(world.actions, MultiDiscrete) else None
    choices = torch.tensor(list(itertools.product(*joint)) if joint else range(world.actions.n))
    outcomes = getattr(world, "outcomes", [(0.5, 1.0)])
    places = {tuple(state): i for i, state in enumerate(dict.fromkeys(map(tuple, beginning.tolist())))}
    rows, done = [], 0
    while done < len(places):
        if len(places) > most:
            raise InputError(f"{type(world).__name__} has more than {most} states: too many for tables")
        states = torch.tensor(list(places)[done:], dtype=torch.float64)
        done = len(places)
        for action, choice in enumerate(choices):
            for noise, chance in outcomes:
                uniforms = torch.full((len(states), max(world.noise, 1)), noise, dtype=torch.float64)
                state, reward, over = world.step(states, choice.expand(len(states), *choice.shape), uniforms)[:3]
                reward = reward if objective is None else reward[:, objective]
                for before, after, earned, ended in zip(states.tolist(), state.tolist(), reward.tolist(), over.tolist(), strict=True):
                    to = None if ended else places.setdefault(tuple(after), len(places))
                    rows.append((places[tuple(before)], action, to, chance, earned))
    count = len(places) + 1
    transition = torch.zeros(count, len(choices), count, dtype=torch.float64)
    reward = torch.zeros(count, len(choices), dtype=torch.float64)
    transition[-1, :, -1] = 1.0
    for before, action, after, chance, earned in rows:
        transition[before, action, -1 if after is None else after] += chance
        reward[before, action] += chance * earned
    initial = torch.zeros(count, dtype=torch.float64)
    share = torch.full((len(beginning),), 1 / len(beginning), dtype=torch.float64) if weights is None else weights.double() / weights.sum()
    for state, weight in zip(beginning.tolist(), share, strict=True):
        initial[places[tuple(state)]] += weight
    return MDP(transition, reward, initial, discount), torch.tensor(list(places), dtype=torch.float64)
