"""Regularised Nash: the equilibrium when both players pay for moving away from a reference.

    max over x, min over y of  x^T payoff y - tau KL(x || reference) + tau KL(y || column_reference)
    x = softmax(log reference + payoff y / tau),   y = softmax(log column_reference - payoff^T x / tau)

There is exactly one. In a preference game it is symmetric, x = y. Mirror prox (whose proximal steps contain the penalty) comes near, Newton's method on the two
conditions finishes; what is returned meets them to ``tolerance``. ``payoff`` [A, O] → ``row`` [A], ``column`` [O] and ``value``, the penalised payoff.

Source: Nash learning, arXiv 2312.00886, section 4 (the game) ; the steps, Nash mirror prox, arXiv 2505.19731.
Differs from NashOfMatrixGame: full support, unique, smooth in the payoffs; tau → 0 gives an equilibrium of the game itself.
Defaults: ``reference`` uniform, ``column_reference`` the same as ``reference`` where the game is square; ``tau`` 0.1, ``tolerance`` 1e-12: ours.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError, RunFailed
from guerdon.exact.solvers._tables import distribution, kl, positive, uniform
from guerdon.exact.solvers.nash_of_matrix_game import NashOfMatrixGame
from guerdon.witness import Witness


@dataclass(frozen=True)
class RegularisedNash:
    tau: float = 0.1
    tolerance: float = 1e-12
    max_iterations: int = 100_000

    def __post_init__(self) -> None:
        positive(self.tau, "tau")

    def __call__(self, payoff: Tensor, reference: Tensor | None = None, column_reference: Tensor | None = None) -> dict[str, Tensor]:
        if payoff.dim() != 2:
            raise InputError(f"a game needs a payoff [rows, columns], not one of shape {tuple(payoff.shape)}: solve one context at a time")
        payoff = payoff.double()
        rows, columns = payoff.shape
        if column_reference is None:
            column_reference = reference if reference is not None and rows == columns else uniform(columns)
        mu = distribution(uniform(rows) if reference is None else reference, "reference", positive=True).log()
        nu = distribution(column_reference, "column_reference", positive=True).log()
        step = 1 / max(float(payoff.max() - payoff.min()), 1e-12)
        x, y = mu.clone(), nu.clone()
        for iteration in range(self.max_iterations):
            if iteration % 64 == 0:
                found = self._newton(payoff, mu, nu, x.exp(), y.exp())
                if found is not None:
                    row, column = found
                    penalty = self.tau * (kl(row, mu.exp()) - kl(column, nu.exp()))
                    return {"row": row, "column": column, "value": row @ payoff @ column - penalty}
            half_x, half_y = self._proximal(payoff, mu, nu, x, y, x, y, step)
            x, y = self._proximal(payoff, mu, nu, x, y, half_x, half_y, step)
        raise RunFailed(
            f"no regularised equilibrium within {self.tolerance} after {self.max_iterations} iterations: raise tau ({self.tau})"
        )

    def _proximal(
        self, payoff: Tensor, mu: Tensor, nu: Tensor, x: Tensor, y: Tensor, at_x: Tensor, at_y: Tensor, step: float
    ) -> tuple[Tensor, Tensor]:
        """Log-strategies after a step from (x, y) against the opponents (at_x, at_y)."""
        weight = 1 + step * self.tau
        new_x = (x + step * self.tau * mu + step * payoff @ at_y.exp()) / weight
        new_y = (y + step * self.tau * nu - step * payoff.T @ at_x.exp()) / weight
        return new_x.log_softmax(-1), new_y.log_softmax(-1)

    def _newton(self, payoff: Tensor, mu: Tensor, nu: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor] | None:
        """The equilibrium if Newton's method finds it from here, else None."""
        rows = len(x)
        for _ in range(30):
            best_x = (mu + payoff @ y / self.tau).softmax(-1)
            best_y = (nu - payoff.T @ x / self.tau).softmax(-1)
            residual = torch.cat([x - best_x, y - best_y])
            if float(residual.abs().max()) <= self.tolerance:
                return best_x, best_y
            jacobian = torch.eye(rows + len(y), dtype=torch.float64)
            jacobian[:rows, rows:] = -_covariance(best_x) @ payoff / self.tau
            jacobian[rows:, :rows] = _covariance(best_y) @ payoff.T / self.tau
            move = torch.linalg.solve(jacobian, residual)
            x, y = x - move[:rows], y - move[rows:]
            if not bool(move.isfinite().all()) or float(move.abs().max()) > 2:
                return None
        return None


def _covariance(p: Tensor) -> Tensor:
    return torch.diag(p) - torch.outer(p, p)


LN3 = 1.0986122886681098
_always = {"payoff": torch.tensor([[0.5, 1.0], [0.0, 0.5]], dtype=torch.float64)}
witness = (
    Witness(  # the first action wins by 1/2 against anybody: odds exp(1/2 / tau) = 3
        RegularisedNash(tau=0.5 / LN3),
        parent=NashOfMatrixGame(),
        given=_always,
        returns={"row": [0.75, 0.25], "column": [0.75, 0.25], "value": 0.5},
    ),
    Witness(  # reference odds 1/3, and exp(1/2 / tau) = 9
        RegularisedNash(tau=0.25 / LN3),
        parent=RegularisedNash(tau=0.5 / LN3),
        given=_always | {"reference": torch.tensor([0.25, 0.75], dtype=torch.float64)},
        returns={"row": [0.75, 0.25], "column": [0.75, 0.25], "value": 0.5},
    ),
)
