"""Resting: where the gradient leads from the reference, of a loss that has several minima, or none.

A loss that is not convex has a minimum for each valley, and a line search jumps between them. One with a stop-gradient in it (a weight of the pair that is the policy's own
likelihood, a reference point that moves along) has a gradient that no function has. Both have a flow x' = -g(x) that comes to rest. Steps of implicit Euler follow it, short
at first, so that they end where the flow does, and long once it is near (pseudo-transient continuation): (1 / step + dg/dx) dx = -g, the derivative by differences.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Field = Callable[[Tensor], Tensor]  # x [A, S] → g [A, S]

DIFFERENCE = 1e-6
FIRST, LONGEST = 1.0, 1e9  # steps, in nats for a gradient of 1
ENOUGH = 0.5  # of the gradient before: so much may be left of what a step asks for
TINY = 1e-300


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


def is_monotone(field: Field, worlds: int, size: int) -> bool:
    """Whether the gradient never points less uphill further up, between random points of three sizes: that of a convex function."""
    rng, convex = torch.Generator().manual_seed(1), True
    for scale in (0.3, 1.0, 3.0) * 3:
        one, other = scale * torch.randn(2, worlds, size, dtype=torch.float64, generator=rng)
        convex = convex and bool((((field(one) - field(other)) * (one - other)).sum(-1) > -1e-9).all())
    return convex


class Flow:
    """C worlds on their way."""

    def __init__(self, worlds: int, size: int) -> None:
        self.x = torch.zeros(worlds, size, dtype=torch.float64)
        self.step = torch.full((worlds,), FIRST, dtype=torch.float64)
        self.arrived = torch.zeros(worlds, dtype=torch.bool)

    def advance(self, of: Tensor, field: Field, fields: Field, arrived: float) -> None:
        """One step of the worlds [A]. Implicit Euler asks for dx / step + g(x + dx) = 0; where one step of Newton's method is too far from that, the next is shorter.

        ``fields`` is the field for each of S + 1 copies of the worlds, one after the other: the same at neighbouring points is cheaper together.
        """
        x, unit = self.x[of], torch.eye(self.x.shape[-1], dtype=torch.float64)
        near = torch.cat([torch.zeros(1, len(unit), dtype=torch.float64), DIFFERENCE * unit])
        there = fields((x + near.unsqueeze(1)).flatten(0, 1)).unflatten(0, (len(near), -1))
        g, slope = there[0], ((there[1:] - there[0]) / DIFFERENCE).movedim(0, -1)  # [A, S], [A, S, S]: the derivative by the last
        down = -torch.linalg.eigvalsh((slope + slope.mT) / 2)[
            :, 0
        ]  # how much the loss curves down; where it does, a long step would turn round and go up
        self.step[of] = torch.minimum(self.step[of], 0.5 / down.clamp(min=0.5 / LONGEST))
        step = self.step[of].unsqueeze(-1)
        move = torch.linalg.solve(unit / step.unsqueeze(-1) + slope, -g)
        then, small = field(x + move), move.abs().amax(-1) < arrived
        left = ((move / step + then).norm(dim=-1) / g.norm(dim=-1).clamp(min=TINY)).nan_to_num(torch.inf)
        made, longer = (left <= ENOUGH) | small, (left < ENOUGH / 5) | small
        self.x[of] = torch.where(made.unsqueeze(-1), x + move, x)
        self.step[of] = torch.where(made, self.step[of] * torch.where(longer, 4.0, 1.0), self.step[of] / 5).clamp(max=LONGEST)
        self.arrived[of] = small & (self.step[of] > 1e4)
