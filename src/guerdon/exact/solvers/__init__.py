"""Solvers: a finite world → its exact answer, in float64.

Tables are called by the same names throughout: ``reward`` and ``reference`` [..., S] (outcomes of an enumerable world: expected reward and
probability), ``payoff`` [..., A, O] (what the row player gains; a preference game is the payoff P with P + P^T = 1), ``transition`` [S, A, S] and
``reward`` [S, A] (a decision process). An answer with several pieces is a dictionary of tensors: ``policy``, ``value``, ``kl`` ...
"""

from typing import Any, Protocol


class Solver(Protocol):
    """Tables of a finite world (rewards, transitions, payoffs) → optimum, value or equilibrium."""

    def __call__(self, **tables: Any) -> Any: ...
