"""User-weighted: people weigh the same few aspects of an item differently; a matrix of scores of low rank.

    score of user u for item i = taste_u . (basis @ features_i),  then the choice ``of``
    ``taste`` [U, R], ``basis`` [R, D], ``features`` [M, D] (not given: the identity, so that D is M)

Identified is the table of scores, up to a shift for each user where the choice is of differences; not the factors: any invertible A gives taste A and A^-1 basis. ``gauge``
takes the singular value decomposition: aspects in the order of how much they move scores, tastes with a mean square of 1, the largest entry of each aspect positive.
Without features R (U + M - 1) - R^2 numbers are identified (R (U + M) - R^2 with an outside good), if enough was asked.

Source: Low-rank reward modeling, arXiv 2504.14439, and reward features, arXiv 2503.17338; their tastes are on the simplex (the former), here they are free.
Differs from Linear: a coefficient for each user, of rank R together.
Default: ``rank`` 1, the least.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from guerdon.exact.likelihoods._family import Choice, Parameters, Scored
from guerdon.exact.likelihoods.bradley_terry import LN2, LN3, BradleyTerry
from guerdon.exact.likelihoods.linear import Linear
from guerdon.parts import call
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class UserWeighted(Scored):
    unimodal: ClassVar[bool] = False
    makes: ClassVar[tuple[str, ...]] = ("taste", "basis")
    reads: ClassVar[tuple[str, ...]] = ("user",)

    rank: int = 1
    of: Choice = BradleyTerry()

    def wants(self) -> frozenset[str]:
        return super().wants() | {"features"}

    def parameters(self, items: int, users: int = 1, features: int | None = None) -> dict[str, tuple[int, ...]]:
        return {"taste": (users, self.rank), "basis": (self.rank, features or items)} | self.others(items, users, features)

    def gauge(self, parameters: Parameters, features: Tensor | None = None) -> Parameters:
        taste, basis = parameters["taste"], parameters["basis"]
        if features is None and self.shift_free:
            basis = basis - basis.mean(-1, keepdim=True)
        left, size, right = torch.linalg.svd(taste @ basis, full_matrices=False)
        left, right = left[:, : self.rank], (size.unsqueeze(-1) * right)[: self.rank]
        if left.shape[1] < self.rank:  # fewer users than aspects: the table is as it is
            return parameters | {"basis": basis}
        sign = right.gather(-1, right.abs().argmax(-1, keepdim=True)).sign()
        scale = len(left) ** 0.5
        return parameters | {"taste": scale * left * sign.squeeze(-1), "basis": sign * right / scale}

    def handed(
        self, asked: Tensor, user: Tensor, taste: Tensor, basis: Tensor, features: Tensor | None = None, **rest: Any
    ) -> dict[str, Any]:
        table = taste @ (basis if features is None else basis @ features.T)
        # An item of one user is another than the same item of another user.
        return rest | {"score": table.flatten(), "asked": asked + table.shape[-1] * user.unsqueeze(-1)}

    def __call__(self, **given: Any) -> Tensor:
        return call(self.of, self.handed(**given))


witness = Witness(  # the first user counts the first aspect, the second both: 3 to 2, and 3 * 1 to 2 * 4
    UserWeighted(rank=2),
    parent=Linear(),
    given={
        "asked": torch.tensor([[0, 1], [0, 1]]),
        "user": torch.tensor([0, 1]),
        "taste": torch.tensor([[1.0, 0.0], [1.0, 1.0]], dtype=torch.float64),
        "basis": torch.tensor([[LN3, LN2], [0.0, 2 * LN2]], dtype=torch.float64),
    },
    returns=torch.tensor([[3 / 5, 2 / 5], [3 / 11, 8 / 11]], dtype=torch.float64).log(),
)


def _alone(given: dict) -> dict:
    asked, score = torch.tensor([[0, 1], [2, 4], [5, 1]]), given["score"]
    return given | {"asked": asked, "user": torch.zeros(3).long(), "taste": torch.ones(1, 1).double(), "basis": score.unsqueeze(0)}


def _alike(given: dict) -> dict:
    features = torch.stack([given["coefficient"], given["coefficient"] ** 2], -1)
    coefficient = torch.tensor([0.3, 0.7], dtype=torch.float64)
    same = {"taste": torch.ones(2, 1).double(), "basis": coefficient.unsqueeze(0), "features": features, "coefficient": coefficient}
    return given | same | {"asked": torch.tensor([[0, 1], [2, 4], [5, 1]]), "user": torch.tensor([0, 1, 1])}


limits = (
    Limit(UserWeighted(), equals=BradleyTerry(), when="there is one user and nothing known of the items", under=_alone),
    Limit(UserWeighted(), equals=Linear(), when="all users have the same taste", under=_alike),
)
