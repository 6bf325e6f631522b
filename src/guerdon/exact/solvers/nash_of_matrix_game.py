"""Nash of a matrix game: the equilibrium of two players whose gains add up to nothing, by two linear programs.

    rows:     maximise v  subject to  sum over i of x_i payoff[i, j] >= v for every j,   x a distribution
    columns:  minimise w  subject to  sum over j of payoff[i, j] y_j <= w for every i,   y a distribution;   v = w

``payoff`` [A, O] → ``row`` [A], ``column`` [O] and ``value``. Where there are several equilibria it gives one; of a preference game the row strategy is the
policy that no other beats (the von Neumann winner).

Source: von Neumann 1928; the program, Dantzig 1951; as the aim of learning from preferences, Nash learning, arXiv 2312.00886, eq. 1.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linprog
from torch import Tensor

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class NashOfMatrixGame:
    def __call__(self, payoff: Tensor) -> dict[str, Tensor]:
        if payoff.dim() != 2 or not bool(payoff.isfinite().all()):
            raise InputError(f"a matrix game needs a payoff [rows, columns] of finite numbers, not one of shape {tuple(payoff.shape)}")
        table = payoff.double().numpy()
        row, column = _maximin(table), _maximin(-table.T)
        return {"row": row, "column": column, "value": row @ payoff.double() @ column}


def _maximin(payoff: np.ndarray) -> Tensor:
    """The distribution over rows with the highest guaranteed payoff."""
    rows, columns = payoff.shape
    constraint = np.hstack([-payoff.T, np.ones((columns, 1))])  # v - (payoff^T x)_j <= 0
    found = linprog(
        np.append(np.zeros(rows), -1.0),
        A_ub=constraint,
        b_ub=np.zeros(columns),
        A_eq=np.append(np.ones(rows), 0.0).reshape(1, -1),
        b_eq=[1.0],
        bounds=[(0, None)] * rows + [(None, None)],
        method="highs",
    )
    if not found.success:
        raise InputError(f"the linear program of this game has no solution ({found.message}): scale the payoffs to around 1")
    strategy = torch.from_numpy(found.x[:rows]).clamp(min=0)
    return strategy / strategy.sum()


witness = Witness(  # both players indifferent: 3x - 2(1 - x) = -x + (1 - x), 3y - (1 - y) = -2y + (1 - y)
    NashOfMatrixGame(),
    given={"payoff": torch.tensor([[3.0, -1.0], [-2.0, 1.0]], dtype=torch.float64)},
    returns={"row": [3 / 7, 4 / 7], "column": [2 / 7, 5 / 7], "value": 1 / 7},
)
