"""Gridded: value iteration between the points of a grid, for control worlds of few dimensions and finitely many actions.

    V_0 = 0,   V_k(s) = max over a of reward(s, a) + discount * V_(k-1)(s'), 0 where s' is the end,   with V between points by multilinear interpolation

``points`` of each dimension of the state lie evenly from ``low`` to ``high``, beyond which the nearest counts; a dimension with a ``period`` goes round. Returned are
the ``values`` [steps + 1, points] of each number of steps that are left; ``plan`` adds what is then best to do. It is exact in the limit of fine grids only: play the plan in the
world and compare what it earns with what it promises.

Source: Bellman 1957; with interpolation, Munos and Moore 2002, section 2 (Variable resolution discretization in optimal control).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class Gridded:
    low: tuple[float, ...]
    high: tuple[float, ...]
    points: tuple[int, ...]
    period: tuple[float, ...] = ()
    discount: float = 1.0

    def __post_init__(self) -> None:
        same = len({len(self.low), len(self.high), len(self.points), len(self.period or self.low)}) == 1
        if not same or min(self.points) < 2 or any(a >= b for a, b in zip(self.low, self.high, strict=True)):
            raise InputError(
                f"{self}: low, high, points and period are of the same dimensions, low is below high, and there are 2 points or more"
            )

    def __call__(self, world: Any, actions: Sequence[Any], steps: int) -> dict[str, Tensor]:
        return {"values": torch.stack(self.plan(world, actions, steps).values)}

    def plan(self, world: Any, actions: Sequence[Any], steps: int) -> "Plan":
        """The best that ``steps`` steps can earn in a world without noise (``guerdon.worlds.control``) by these actions.

        Raises:
            InputError: the world has noise.
        """
        if world.noise:
            raise InputError("the steps of this world are not certain: a grid has one state after each action")
        states = torch.cartesian_prod(
            *(torch.linspace(*of, dtype=torch.float64) for of in zip(self.low, self.high, self.points, strict=True))
        )
        states = states.view(-1, len(self.points))
        plan = Plan(self, world, torch.as_tensor(actions), [torch.zeros(len(states), dtype=torch.float64)])
        reward, alive, (places, weights) = plan.outcomes(states)
        for _ in range(steps):
            ahead = (plan.values[-1][places] * weights).sum(-1)
            plan.values.append((reward + self.discount * alive * ahead).amax(0))
        return plan

    def between(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """The corners of each state's cell, as places among the points, and their weights, [..., 2^D]."""
        at = []
        for d, (low, high, points) in enumerate(zip(self.low, self.high, self.points, strict=True)):
            x = states[..., d]
            if self.period and self.period[d]:
                x = low + torch.remainder(x - low, self.period[d])
            x = ((x - low) / (high - low) * (points - 1)).clamp(0, points - 1)
            below = x.floor().clamp(max=points - 2)
            at.append((below.long(), x - below))
        places, weights = [], []
        for corner in itertools.product((0, 1), repeat=len(at)):
            place, weight = torch.zeros_like(at[0][0]), torch.ones_like(at[0][1])
            for up, (below, share), points in zip(corner, at, self.points, strict=True):
                place, weight = place * points + below + up, weight * (share if up else 1 - share)
            places.append(place)
            weights.append(weight)
        return torch.stack(places, -1), torch.stack(weights, -1)


@dataclass(frozen=True)
class Plan:
    """``values[k]``: of the points, with k steps left."""

    grid: Gridded
    world: Any
    actions: Tensor
    values: list[Tensor]

    def value(self, states: Tensor, left: int | None = None) -> Tensor:
        """What is promised in these states [B, S], with so many steps left; None: all of them."""
        places, weights = self.grid.between(states)
        return (self.values[-1 if left is None else left][places] * weights).sum(-1)

    def best(self, states: Tensor, left: int) -> Tensor:
        """The best action in each of these states, with so many steps left."""
        reward, alive, (places, weights) = self.outcomes(states)
        ahead = (self.values[left - 1][places] * weights).sum(-1)
        return self.actions[(reward + self.grid.discount * alive * ahead).argmax(0)]

    def outcomes(self, states: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
        """Of each action in each state: reward and whether it goes on [A, B], and where it leads to."""
        came = [self.world.step(states, action.expand(len(states), *action.shape)) for action in self.actions]
        after = torch.stack([one.state for one in came])
        return torch.stack([one.reward for one in came]), torch.stack([~one.terminated for one in came]), self.grid.between(after)


class _Line:
    """Two moves on a line, whose end is at 1: it costs 1 to be anywhere else."""

    noise = 0

    def step(self, state: Tensor, action: Tensor) -> Any:
        return SimpleNamespace(
            state=state + action.unsqueeze(-1), reward=-torch.ones(len(state)).double(), terminated=(state[:, 0] + action >= 1)
        )


witness = Witness(  # points at 0, 1/2 and 1; from 0 the end is two steps away, from the others one
    Gridded((0.0,), (1.0,), (3,)),
    given={"world": _Line(), "actions": [0.5, 0.25], "steps": 2},
    returns={"values": [[0.0] * 3, [-1.0] * 3, [-2.0, -1.0, -1.0]]},
)
