"""Attribute pinball: of each quality several numbers are to be quantiles of its ratings.

    loss = mean over rated k, and over i, of max(tau_i (rating_k - q_ki), (tau_i - 1) (rating_k - q_ki)),   tau_i = i / (Q + 1)        [B], 0 where none was rated

``names``: the columns of the ratings, in the order of the head's qualities. A row may lack some of them.

Source: QRM, Dorka 2024, arXiv 2409.10164: quantile regression for each attribute; ratings that are missing as in ``attribute_square``.
Differs from Pinball: several qualities, each with quantiles of its own.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.attributes.attribute_square import AttributeSquare
from guerdon.losses.quantiles.pinball import Pinball
from guerdon.quantities import B
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class AttributePinball:
    per_item: ClassVar[bool] = True  # a loss per sequence, not per step

    names: tuple[str, ...] = AttributeSquare.names

    def __post_init__(self) -> None:
        if not self.names or len(set(self.names)) < len(self.names):
            raise InputError(f"attribute_pinball.names: {', '.join(self.names) or 'none'}; give the columns of the ratings, each once")

    @property
    def sparse(self) -> frozenset[str]:
        return frozenset(self.names)

    def needs(self) -> frozenset[str]:
        return frozenset({"attribute_quantile_score", *self.names})

    def __call__(self, attribute_quantile_score: Float[Tensor, "B K Q"], **columns: B) -> B:
        said = attribute_quantile_score
        if said.shape[-2] != len(self.names):
            raise InputError(
                f"the head has {said.shape[-2]} attributes and attribute_pinball.names {len(self.names)}; give the head as many"
            )
        rating = torch.stack([columns[name].to(said.dtype) for name in self.names], -1)
        rated = ~rating.isnan()
        rating = torch.where(rated, rating, torch.zeros_like(rating)).unsqueeze(-1)
        tau = torch.arange(1, said.shape[-1] + 1, dtype=said.dtype, device=said.device) / (said.shape[-1] + 1)
        above = torch.where(rated.unsqueeze(-1), rating - said, torch.zeros_like(said))
        return torch.maximum(tau * above, (tau - 1) * above).mean(-1).sum(-1) / rated.sum(-1).clamp(min=1)


_nan = float("nan")
_given = {
    "attribute_quantile_score": [[[0.0, 1.0, 4.0], [1.0, 1.0, 1.0]], [[0.0, 1.0, 4.0], [7.0, 7.0, 7.0]], [[5.0] * 3, [5.0] * 3]],
    "quantile_score": [[0.0, 1.0, 4.0]] * 3,
    "help": [2.0, 2.0, _nan],
    "care": [3.0, _nan, _nan],
    "rating": [0.0] * 3,
}
_none = [0.0, 0.0, 0.0]
witness = (  # the first quality: a mean of 1/4 * 2, 1/2 * 1, 1/4 * 2; the second: two above, of 1/4, 1/2 and 3/4; rows that lack one count the other as one
    Witness(
        AttributePinball(("help", "care")),
        parent=Pinball(),
        given=_given,
        returns=[0.75, 0.5, 0.0],
        gradient={
            "attribute_quantile_score": [
                [[-1 / 24, -1 / 12, 1 / 24], [-1 / 24, -1 / 12, -1 / 8]],
                [[-1 / 12, -1 / 6, 1 / 12], _none],
                [_none, _none],
            ]
        },
    ),
)


def _of_one(inputs: dict) -> dict:
    """A head with one quality, which every row rates."""
    return inputs | {"attribute_quantile_score": inputs["quantile_score"].unsqueeze(-2)}


limits = (Limit(AttributePinball(("rating",)), equals=Pinball(), when="there is one quality", under=_of_one),)
