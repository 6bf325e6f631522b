"""Sorted logistic: the chosen sides of the whole batch, as a distribution, are to lead the rejected ones.

    loss = -(1 - s) log sigmoid(d) - s log sigmoid(-d),   d = (k-th smallest chosen score) - (k-th smallest rejected score)        [N], nats

The loss of the k-th smallest chosen score stands in the place of that pair. Which chosen side came with which rejected one does not matter: the
data need not be pairs. ``label_smoothing`` (s) as in Logistic.

Source: AOT, arXiv 2406.05882, the unpaired form, as in TRL (``aot_unpaired``): optimal transport in one dimension is sorting.
Differs from Logistic: sorted first; equal to it for a single pair.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class SortedLogistic:
    per_batch: ClassVar[bool] = True

    label_smoothing: float = 0.0

    def __call__(self, chosen_score: N, rejected_score: N) -> N:
        chosen, places = chosen_score.sort()
        loss = Logistic(self.label_smoothing)(chosen, rejected_score.sort().values)
        return torch.zeros_like(loss).index_copy(0, places, loss)


LN2 = LN4 / 2
witness = (
    Witness(  # sorted, each chosen score meets its equal
        SortedLogistic(),
        parent=Logistic(),
        given={"chosen_score": [LN3, 0.0], "rejected_score": [0.0, LN3]},
        returns=[LN2, LN2],
        gradient={"chosen_score": [-0.5, -0.5], "rejected_score": [0.5, 0.5]},
    ),
    Witness(
        SortedLogistic(label_smoothing=0.25),
        parent=SortedLogistic(),
        given={"chosen_score": [LN3], "rejected_score": [0.0]},
        returns=[LN4 - 0.75 * LN3],
        gradient={"chosen_score": [0.0], "rejected_score": [0.0]},
    ),
)
