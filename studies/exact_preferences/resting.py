"""Resting: where the gradient of a loss that is not the gradient of anything leads.

A loss with a stop-gradient in it (a weight of the pair that is the policy's own likelihood, a reference point that moves along) has a gradient that no function has: there is
nothing to minimise, but the flow x' = -g(x) comes to rest. Steps of implicit Euler follow it, short at first, so that they end where the flow does, and long once it is near
(pseudo-transient continuation): (1 / step + dg/dx) dx = -g, with the derivative by differences.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Field = Callable[[Tensor], Tensor]  # x [A, S] → g [A, S]

DIFFERENCE = 1e-6
FIRST, LONGEST = 1.0, 1e9  # steps, in nats per unit of gradient, of a gradient of 1


def has_potential(loss: Callable[[Tensor], Tensor], worlds: int, size: int) -> bool:
    """Whether the gradient that a loss gives is its own: along a line through some point, by differences."""
    rng = torch.Generator().manual_seed(0)
    at = torch.randn(worlds, size, dtype=torch.float64, generator=rng).requires_grad_()
    along = torch.randn(worlds, size, dtype=torch.float64, generator=rng)
    (gradient,) = torch.autograd.grad(loss(at).sum(), at)
    with torch.no_grad():
        change = (loss(at + DIFFERENCE * along) - loss(at - DIFFERENCE * along)) / (2 * DIFFERENCE)
    expected = (gradient * along).sum(-1)
    return bool(((change - expected).abs() <= 1e-4 * (1e-2 + expected.abs())).double().mean() > 0.9)  # a kink may lie between


class Flow:
    """C worlds on their way."""

    def __init__(self, worlds: int, size: int) -> None:
        self.x = torch.zeros(worlds, size, dtype=torch.float64)
        self.g = torch.full((worlds, size), torch.inf, dtype=torch.float64)
        self.step = torch.full((worlds,), FIRST, dtype=torch.float64)
        self.arrived = torch.zeros(worlds, dtype=torch.bool)

    def advance(self, of: Tensor, field: Field, arrived: float) -> None:
        """One step of the worlds [A]; one that would make the gradient much larger is not made, and a shorter one is next."""
        x, size = self.x[of], self.x.shape[-1]
        g = field(x)
        shifts = DIFFERENCE * torch.eye(size, dtype=torch.float64)
        slope = torch.stack([(field(x + shift) - g) / DIFFERENCE for shift in shifts], -1)  # [A, S, S], the derivative by the last
        unit = torch.eye(size, dtype=torch.float64) / self.step[of].view(-1, 1, 1)
        move = torch.linalg.solve(unit + slope, -g)
        move = torch.where(move.isfinite().all(-1, keepdim=True), move, -g * self.step[of].unsqueeze(-1).clamp(max=1.0))
        largest = move.abs().amax(-1, keepdim=True)
        move = move * (5.0 / largest).clamp(max=1.0)  # nats
        then = field(x + move)
        worse = (then.norm(dim=-1) > 2 * g.norm(dim=-1)) & (largest.squeeze(-1) > 1e-3)
        self.x[of] = torch.where(worse.unsqueeze(-1), x, x + move)
        self.g[of] = torch.where(worse.unsqueeze(-1), g, then)
        self.step[of] = torch.where(worse, self.step[of] / 8, self.step[of] * 3).clamp(max=LONGEST)
        self.arrived[of] = ~worse & (largest.squeeze(-1) < arrived) & (self.step[of] > 1e3)
