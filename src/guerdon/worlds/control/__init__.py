"""Control worlds: thousands of environments stepped at once, as functions of tensors, each with an optimum that is known or can be solved for.

A world is a frozen specification and holds no state. What changes is a tensor [B, S] in float64, so that an episode is copied, put back, branched or searched in by copying rows:

    begin(uniforms [B, begins])           → state [B, S], the states in which episodes begin
    observe(state)                        → observation [B, D]
    step(state, action, uniforms [B, noise]) → ``Step``: the state after it, the reward, where it ended

``actions`` is a ``Box``, a ``Discrete`` or a ``MultiDiscrete``, ``observations`` a ``Box``; ``horizon`` is the time limit, which is no end of the world: who plays (``episodes``)
cuts off there, and says so.
All randomness comes in as uniform numbers in [0, 1), so that an episode depends on nothing but its own.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor


@dataclass(frozen=True)
class Box:
    """Vectors between two bounds."""

    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Discrete:
    """One of ``n`` choices, 0 to n - 1."""

    n: int


@dataclass(frozen=True)
class MultiDiscrete:
    """A choice for each of several agents or joints, [B, len(n)]: each one of its ``n``."""

    n: tuple[int, ...]


class Step(NamedTuple):
    """What came of an action: ``state`` [B, S], ``reward`` [B], or [B, M] of M objectives; ``terminated`` [B], where the world itself ended; ``cost`` [B], what a constraint
    bounds, where there is one."""

    state: Tensor
    reward: Tensor
    terminated: Tensor
    cost: Tensor | None = None


class World(Protocol):
    """What every control world has."""

    horizon: int

    @property
    def observations(self) -> Box: ...

    @property
    def actions(self) -> Box | Discrete | MultiDiscrete: ...

    @property
    def begins(self) -> int:
        """How many uniform numbers an episode begins with."""
        ...

    @property
    def noise(self) -> int:
        """How many uniform numbers a step takes; 0 where it is certain."""
        ...

    def begin(self, uniforms: Tensor) -> Tensor: ...

    def observe(self, state: Tensor) -> Tensor: ...

    def step(self, state: Tensor, action: Tensor, uniforms: Tensor | None = None) -> Step: ...
