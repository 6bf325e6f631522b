"""Frank-Wolfe: a function is minimised over a box by going towards the corner to which its slope points, less far each time.

    corner_i = least where d f / d x_i > 0, most where it is < 0, x_i where it is 0
    x <- x + 2 / (k + 2) (corner - x)        k = 0, 1, ... ``steps`` - 1

No step leaves the box and nothing is projected; of a convex f the distance to the minimum falls as 1 / k. ``objective`` is f: [N] → [], differentiable;
``start`` [N] is in the box.

Source: Frank and Wolfe 1956; the step of Jaggi 2013, Revisiting Frank-Wolfe, algorithm 1. In CAMRL, Huang et al. 2022, arXiv 2211.03352, for the rows of a transfer matrix
(``steps`` 10; in its authors' code the box is symmetric and rows are cut at 0 after each step).
Differs from MirrorProx: a box and one function, not distributions and a game.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.solvers.mirror_prox import MirrorProx
from guerdon.witness import Witness


@dataclass(frozen=True)
class FrankWolfe:
    least: float = 0.0
    most: float = 1.0
    steps: int = 10

    def __post_init__(self) -> None:
        if not self.least < self.most:
            raise InputError(f"FrankWolfe needs a box, least below most, not {self.least} and {self.most}")

    def __call__(self, objective: Callable[[Tensor], Tensor], start: Tensor) -> dict[str, Tensor]:
        if bool(((start < self.least) | (start > self.most)).any()):
            raise InputError(
                f"FrankWolfe begins in its box, {self.least} to {self.most}, and the start has {start.min():g} to {start.max():g}"
            )
        x = start.detach().double()
        for k in range(self.steps):
            x.requires_grad_()
            (slope,) = torch.autograd.grad(objective(x), x)
            x = x.detach()
            corner = torch.where(slope > 0, self.least, torch.where(slope < 0, self.most, x))
            x = x + 2 / (k + 2) * (corner - x)
        return {"point": x, "value": objective(x).detach()}


def _bowl(x: Tensor) -> Tensor:
    return ((x - torch.tensor([0.25, 2.0], dtype=torch.float64)) ** 2).sum()


_given = {"objective": _bowl, "start": torch.tensor([0.5, 0.5], dtype=torch.float64)}
witness = (  # to (0, 1); then up by 2/3 and nowhere; then down by a half: (1/3, 1)
    Witness(FrankWolfe(steps=3), parent=MirrorProx(), given=_given, returns={"point": [1 / 3, 1.0], "value": 1 + (1 / 12) ** 2}),
    Witness(FrankWolfe(steps=1), parent=FrankWolfe(steps=3), given=_given, returns={"point": [0.0, 1.0], "value": 1.0625}),
    Witness(FrankWolfe(most=0.5, steps=1), parent=FrankWolfe(steps=1), given=_given, returns={"point": [0.0, 0.5], "value": 2.3125}),
    Witness(FrankWolfe(least=-1.0, steps=1), parent=FrankWolfe(steps=1), given=_given, returns={"point": [-1.0, 1.0], "value": 2.5625}),
)
