"""Pinball: each of several numbers is to be a quantile of the ratings.

    loss = mean over i of max(tau_i * (rating - q_i), (tau_i - 1) * (rating - q_i)),    tau_i = i / (Q + 1)        [B], in units of the rating

``by`` names the column that holds the rating.

Source: quantile regression, Koenker and Bassett 1978; for reward models QRM, Dorka 2024, arXiv 2409.10164.
Differs from a squared error: the quantiles and not the mean, which outliers move.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class Pinball:
    per_item: ClassVar[bool] = True  # a loss per sequence, not per step

    by: str = "rating"

    def needs(self) -> frozenset[str]:
        return frozenset({"quantile_score", self.by})

    def __call__(self, quantile_score: Float[Tensor, "B Q"], **column: B) -> B:
        count = quantile_score.shape[-1]
        tau = torch.arange(1, count + 1, dtype=quantile_score.dtype, device=quantile_score.device) / (count + 1)
        above = column[self.by].to(quantile_score.dtype).unsqueeze(-1) - quantile_score
        return torch.maximum(tau * above, (tau - 1) * above).mean(-1)


_given = {"quantile_score": [[0.0, 1.0, 4.0]], "rating": [2.0], "liked": [0.5]}
witness = (  # 1/4 * 2, 1/2 * 1, 1/4 * 2
    Witness(Pinball(), given=_given, returns=[0.5], gradient={"quantile_score": [[-1 / 12, -1 / 6, 1 / 12]]}),
    Witness(
        Pinball("liked"),
        parent=Pinball(),
        given=_given,
        returns=[(0.125 + 0.25 + 0.875) / 3],
        gradient={"quantile_score": [[-1 / 12, 1 / 6, 1 / 12]]},
    ),
)
