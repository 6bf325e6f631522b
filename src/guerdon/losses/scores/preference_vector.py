"""Preference vector: what a head of that name says of the side, two numbers for each plane.

    score = preference_vector        [B, D]

For links that compare vectors: ``comparisons.skew_logistic``.

Source: general preference models, arXiv 2410.02197.
Differs from Head: not one number.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.losses.scores.head import Head
from guerdon.witness import Witness


@dataclass(frozen=True)
class PreferenceVector:
    def __call__(self, preference_vector: Tensor) -> Tensor:
        return preference_vector


witness = Witness(
    PreferenceVector(),
    parent=Head(),
    given={"preference_vector": [[0.5, -2.0]]},
    returns=[[0.5, -2.0]],
    gradient={"preference_vector": [[1.0, 1.0]]},
)
