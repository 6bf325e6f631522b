"""Skew-symmetric: any preferences, cycles included, as a matrix of log-odds of low rank that changes its sign when the sides are exchanged.

    log-odds of the first = sum over r of blade_first,r chest_second,r - chest_first,r blade_second,r,  then the choice ``of`` two with such a difference
    ``blade``, ``chest`` [M, R]

Every item strikes (blade) and is hit (chest). A skew-symmetric matrix of rank 2 R is identified, not its factors: ``gauge`` takes its canonical form, planes in the order of
their size, blade and chest orthogonal and of equal length in each, turned so that the item that reaches farthest has no chest. R (2 M - 2 R - 1) numbers are
identified, if enough was asked. Where every chest is 1 (R = 1), blades are the scores of the choice; M // 2 planes express every preference.

Source: Chen and Joachims 2016, Modeling intransitivity in matchup and comparison data (blade-chest-inner, without the players' own scores);
the general preference model, arXiv 2410.02197 (its embeddings in 2 k dimensions under a block-diagonal rotation, k = R).
Differs from BradleyTerry: A may beat B, B beat C, and C beat A.
Default: ``rank`` 1, the least.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.likelihoods._family import Choice, Parameters, Scored, pairs_only
from guerdon.exact.likelihoods.bradley_terry import LN2, LN3, BradleyTerry
from guerdon.parts import call
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class SkewSymmetric(Scored):
    unimodal: ClassVar[bool] = False
    makes: ClassVar[tuple[str, ...]] = ("blade", "chest")

    rank: int = 1
    of: Choice = BradleyTerry()

    def parameters(self, items: int, users: int = 1, features: int | None = None) -> dict[str, tuple[int, ...]]:
        if not 1 <= self.rank <= items // 2:
            raise InputError(f"rank is {self.rank}: {items} items lie in 1 to {items // 2} planes")
        return {"blade": (items, self.rank), "chest": (items, self.rank)} | self.others(items, users, features)

    def gauge(self, parameters: Parameters, features: Tensor | None = None) -> Parameters:
        matrix = parameters["blade"] @ parameters["chest"].T
        size, plane = torch.linalg.eigh(1j * (matrix - matrix.T))  # eigenvalues in pairs of plus and minus, ascending
        size, plane = size[-self.rank :].flip(0).clamp(min=0), plane[:, -self.rank :].flip(-1)
        farthest = plane.gather(0, plane.abs().argmax(0, keepdim=True))
        plane = plane * (farthest.abs() / farthest)  # the phase is free: that item lies on the axis of the blades
        plane = plane * (2 * size).sqrt()
        return parameters | {"blade": plane.real.contiguous(), "chest": -plane.imag.contiguous()}

    def handed(self, asked: Tensor, blade: Tensor, chest: Tensor, **rest: Any) -> dict[str, Any]:
        pairs_only(asked, "SkewSymmetric")
        first, second = asked.unbind(-1)
        half = (blade[first] * chest[second] - chest[first] * blade[second]).sum(-1) / 2
        # Each question is of two items of its own, whose scores differ by the log-odds.
        return rest | {"score": torch.stack([half, -half], -1).flatten(), "asked": torch.arange(asked.numel()).view(asked.shape)}

    def __call__(self, **given: Any) -> Tensor:
        return call(self.of, self.handed(**given))


# Three items 120 degrees apart: each beats the next with log-odds r^2 sin(120 degrees) = ln 3.
_angle = 2 * torch.pi / 3 * torch.arange(3, dtype=torch.float64)
_reach = (LN3 / (0.75**0.5)) ** 0.5
witness = (
    Witness(
        SkewSymmetric(),
        parent=BradleyTerry(),
        given={
            "asked": torch.tensor([[0, 1], [1, 2], [2, 0]]),
            "blade": _reach * torch.cos(_angle).unsqueeze(-1),
            "chest": _reach * torch.sin(_angle).unsqueeze(-1),
        },
        returns=torch.tensor([[3 / 4, 1 / 4]] * 3, dtype=torch.float64).log(),
    ),
    Witness(  # 1 * ln 2 - 0 * 5 in the first plane, 1 * ln 3 - 1 * ln 2 in the second
        SkewSymmetric(rank=2),
        parent=BradleyTerry(),
        given={
            "asked": torch.tensor([[0, 1]]),
            "blade": torch.tensor([[1.0, 1.0], [5.0, LN2]], dtype=torch.float64),
            "chest": torch.tensor([[0.0, 1.0], [LN2, LN3]], dtype=torch.float64),
        },
        returns=torch.tensor([[3 / 4, 1 / 4]], dtype=torch.float64).log(),
    ),
)


def _chests_of_one(given: dict) -> dict:
    score = given["score"]
    return given | {
        "asked": torch.tensor([[0, 1], [2, 4], [5, 1]]),
        "blade": score.unsqueeze(-1),
        "chest": torch.ones(len(score), 1).double(),
    }


limits = (Limit(SkewSymmetric(), equals=BradleyTerry(), when="every chest is 1", under=_chests_of_one),)
