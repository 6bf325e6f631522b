"""Solvers: a finite world → its exact answer, in float64."""

from typing import Any, Protocol


class Solver(Protocol):
    """Tables of a finite world (rewards, transitions, payoffs) → optimum, value or equilibrium."""

    def __call__(self, **tables: Any) -> Any: ...
