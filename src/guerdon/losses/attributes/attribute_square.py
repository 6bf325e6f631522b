"""Attribute square: of each quality the score is to be the mean of its ratings.

    loss = mean over rated k of (attribute_score_k - rating_k)^2        [B], 0 where none was rated

``names``: the columns of the ratings, in the order of the head's outputs. A row may lack some of them.

Source: the first stage of ArmoRM, arXiv 2406.12845, and its authors' code (``armo-rm/stage-1_train.py``), which fits every quality by itself to the rows that rate it. Here a row
counts as one, however many it rates.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from guerdon.errors import InputError
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class AttributeSquare:
    per_item: ClassVar[bool] = True  # a loss per sequence, not per step

    names: tuple[str, ...] = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")

    def __post_init__(self) -> None:
        if not self.names or len(set(self.names)) < len(self.names):
            raise InputError(f"attribute_square.names: {', '.join(self.names) or 'none'}; give the columns of the ratings, each once")

    @property
    def sparse(self) -> frozenset[str]:
        return frozenset(self.names)

    def needs(self) -> frozenset[str]:
        return frozenset({"attribute_score", *self.names})

    def __call__(self, attribute_score: Float[Tensor, "B K"], **columns: B) -> B:
        if attribute_score.shape[-1] != len(self.names):
            raise InputError(
                f"the head has {attribute_score.shape[-1]} attributes and attribute_square.names {len(self.names)}; give the head as many"
            )
        rating = torch.stack([columns[name].to(attribute_score.dtype) for name in self.names], -1)
        rated = ~rating.isnan()
        error = (attribute_score - torch.where(rated, rating, attribute_score.detach())) ** 2
        return error.sum(-1) / rated.sum(-1).clamp(min=1)


def admissible(inputs: dict) -> dict:
    """A head with as many attributes as there are names."""
    said = inputs["attribute_score"]
    return inputs | {"attribute_score": torch.cat([said, said.new_zeros(len(said), 5)], -1)[:, :5]}


_nan = float("nan")
_given = {
    "attribute_score": [[1.0, 0.0, 0.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0, 0.0], [5.0] * 5],
    "helpfulness": [0.0, 3.0, _nan],
    "correctness": [2.0, _nan, _nan],
    **{name: [_nan] * 3 for name in ("coherence", "complexity", "verbosity", "tone")},
}
_zeros = [0.0] * 3
witness = (
    Witness(
        AttributeSquare(),
        given=_given,
        returns=[2.5, 1.0, 0.0],
        gradient={"attribute_score": [[1.0, -2.0, *_zeros], [-2.0, 0.0, *_zeros], [0.0] * 5]},
    ),
    Witness(
        AttributeSquare(("correctness", "helpfulness", "coherence", "complexity", "tone")),
        parent=AttributeSquare(),
        given=_given,
        returns=[0.5, 4.0, 0.0],
        gradient={"attribute_score": [[-1.0, 0.0, *_zeros], [0.0, -4.0, *_zeros], [0.0] * 5]},
    ),
)
