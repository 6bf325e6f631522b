"""Riccati: the optimal policy of a linear system with quadratic costs over T steps, and what it is worth.

    K_t = (R + B' P_(t+1) B)^-1 B' P_(t+1) A,   P_t = Q + A' P_(t+1) (A - B K_t),   c_t = c_(t+1) + tr(P_(t+1) W),   P_T = 0, c_T = 0

The cost from x at t is x' P_t x + c_t where u = -K_t x acts in x <- A x + B u + w, w of covariance W, and a step costs x' Q x + u' R u before it. Returned are ``gain`` [T, A, S],
``cost`` [T, S, S] and ``constant`` [T], units those of the costs.

Source: Kalman 1960, Contributions to the theory of optimal control; Bertsekas 2017, section 3.1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class Riccati:
    steps: int = 100

    def __call__(self, moves: Tensor, pushed: Tensor, state_cost: Tensor, action_cost: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """
        Raises:
            InputError: pushing costs nothing, so that no push is best.
        """
        a, b, q, r, w = (x.double() for x in (moves, pushed, state_cost, action_cost, noise))
        if self.steps < 1 or float(torch.linalg.eigvalsh(r).min()) <= 0:
            raise InputError(f"there is a step or more (not {self.steps}), and action_cost is positive definite")
        ahead, constant, found = torch.zeros_like(q), q.new_zeros(()), []
        for _ in range(self.steps):
            constant = constant + (ahead @ w).trace()
            gain = torch.linalg.solve(r + b.T @ ahead @ b, b.T @ ahead @ a)
            ahead = q + a.T @ ahead @ (a - b @ gain)
            found.append((gain, ahead, constant))
        gains, costs, constants = zip(*found[::-1], strict=True)
        return {"gain": torch.stack(gains), "cost": torch.stack(costs), "constant": torch.stack(constants)}


_one = torch.ones(1, 1, dtype=torch.float64)
witness = Witness(  # x <- x + u + w, x^2 + u^2: P is 1 at the last step, 1 + 1/2 before it, where half of x is taken back
    Riccati(steps=2),
    given={"moves": _one, "pushed": _one, "state_cost": _one, "action_cost": _one, "noise": 0.5 * _one},
    returns={"gain": [[[0.5]], [[0.0]]], "cost": [[[1.5]], [[1.0]]], "constant": [0.5, 0.0]},
)
