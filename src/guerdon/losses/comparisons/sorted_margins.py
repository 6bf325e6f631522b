"""Sorted margins: by how much the policy prefers chosen sides, as a distribution over the batch, is to lead what the reference prefers.

    loss = -(1 - s) log sigmoid(d) - s log sigmoid(-d)        [N], nats
    d = (k-th smallest of chosen_score - rejected_score) - (k-th smallest of chosen_ref_score - rejected_ref_score)

The loss of the k-th smallest margin stands in the place of that pair. The score is one without a reference (``LogProbability``): what the reference
scores is asked for by itself. ``label_smoothing`` (s) as in Logistic.

Source: AOT, arXiv 2406.05882, the paired form, as in TRL (``aot``): optimal transport in one dimension is sorting.
Differs from SortedLogistic: margins of pairs are sorted, not the two sides. Without sorting it is DPO: each margin would meet the reference's of the same
pair.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.losses.comparisons.sorted_logistic import LN2, SortedLogistic
from guerdon.quantities import N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class SortedMargins:
    per_batch: ClassVar[bool] = True

    label_smoothing: float = 0.0

    def __call__(self, chosen_score: N, rejected_score: N, chosen_ref_score: N, rejected_ref_score: N) -> N:
        margin, places = (chosen_score - rejected_score).sort()
        reference = (chosen_ref_score - rejected_ref_score).detach().sort().values
        loss = Logistic(self.label_smoothing)(margin, reference)
        return torch.zeros_like(loss).index_copy(0, places, loss)


_pairs = {"chosen_score": [LN3, 0.0], "rejected_score": [0.0, 0.0], "chosen_ref_score": [0.0, LN3], "rejected_ref_score": [0.0, 0.0]}
witness = (
    Witness(  # margins of ln 3 and 0 for both models, in other pairs: sorted, each meets its equal
        SortedMargins(),
        parent=SortedLogistic(),
        given=_pairs,
        returns=[LN2, LN2],
        gradient={"chosen_score": [-0.5, -0.5], "rejected_score": [0.5, 0.5], "chosen_ref_score": None, "rejected_ref_score": None},
    ),
    Witness(  # at d = ln 3 and s = 1/4 the loss is stationary
        SortedMargins(label_smoothing=0.25),
        parent=SortedMargins(),
        given={"chosen_score": [LN3], "rejected_score": [0.0], "chosen_ref_score": [LN3], "rejected_ref_score": [LN3]},
        returns=[LN4 - 0.75 * LN3],
        gradient={"chosen_score": [0.0], "rejected_score": [0.0]},
    ),
)


def _indifferent(inputs: dict) -> dict:
    """A reference that scores the sides of every pair alike."""
    return inputs | {"rejected_ref_score": inputs["chosen_ref_score"].clone()}


limits = (Limit(SortedMargins(), equals=Logistic(), when="the reference prefers neither side of any pair", under=_indifferent),)
