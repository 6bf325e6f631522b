"""Summed: what people go by is the sum of several heads, each of which has a part of it.

    loss = link(sum_k chosen_head_score_k, sum_k rejected_head_score_k)        [N]

By itself it leaves open which head has which part; a penalty beside it says so (``losses.penalties.attribute_correlation``).

Source: ODIN, Chen et al. 2024, arXiv 2402.07319, the ranking loss on the sum of a length and a quality head; authors' code (``training/utils/model/two_head_rw.py``).
Differs from Expected: heads explain a pair together, not each by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from guerdon.losses.comparisons import Comparison
from guerdon.losses.comparisons.logistic import LN3, Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.losses.several_heads._each import needed, side_scores, wanted
from guerdon.losses.several_heads.expected import Expected
from guerdon.parts import call
from guerdon.quantities import B, N
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Summed:
    per_item: ClassVar[bool] = True  # a loss per pair, not per step

    link: Comparison = Logistic()

    def needs(self) -> frozenset[str]:
        return needed(self.link)

    def wants(self) -> frozenset[str]:
        return wanted(self.link)

    def scores(self, quantities: Mapping[str, Tensor]) -> dict[str, B]:
        """The sum of each side."""
        return side_scores(quantities, lambda heads: heads.sum(-1))

    def __call__(self, **quantities: Tensor) -> N:
        return call(self.link, {**quantities, **self.scores(quantities)})


LN2 = 0.6931471805599453
witness = Witness(  # ln 3 against ln 3: each head by itself would say something else
    Summed(),
    parent=Expected(),
    given={"chosen_head_score": [[LN3, 0.0]], "rejected_head_score": [[0.0, LN3]]},
    returns=[LN2],
    gradient={"chosen_head_score": [[-0.5, -0.5]], "rejected_head_score": [[0.5, 0.5]]},
)


def _one(inputs: dict) -> dict:
    """One head, which is the score."""
    return inputs | {f"{side}_head_score": inputs[f"{side}_score"].unsqueeze(-1) for side in ("chosen", "rejected")}


limits = (Limit(Summed(), equals=Pairwise(Head(), Logistic()), when="there is one head", under=_one),)
