"""Pairwise: a comparison is a score times a link.

    loss = link(score(chosen), score(rejected))        [N]

``Pairwise(LogRatio(0.1), Logistic())`` is DPO; ``Pairwise(Head(), Logistic())`` is a Bradley-Terry reward model. It needs whatever
the score needs, on both sides, and whatever else the link reads.

Source: the composition is ours; DPO, arXiv 2305.18290, eq. 7 is the instance that the witness shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from guerdon.losses.comparisons import Comparison
from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.losses.scores import Score
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.parts import call, needs, wants
from guerdon.quantities import SIDES, B, N
from guerdon.witness import Witness

_SCORES = frozenset(f"{side}_score" for side in SIDES)


@dataclass(frozen=True)
class Pairwise:
    per_item: ClassVar[bool] = True  # a loss per pair, not per step

    score: Score
    link: Comparison

    def needs(self) -> frozenset[str]:
        return frozenset(f"{side}_{name}" for side in SIDES for name in needs(self.score)) | (needs(self.link) - _SCORES)

    def wants(self) -> frozenset[str]:
        return frozenset(f"{side}_{name}" for side in SIDES for name in wants(self.score)) | wants(self.link)

    def scores(self, quantities: Mapping[str, Tensor]) -> dict[str, B]:
        """The score of each side, by the names that the link reads."""
        return {f"{side}_score": call(self.score, _one_side(quantities, side)) for side in SIDES}

    def __call__(self, **quantities: Tensor) -> N:
        return call(self.link, {**quantities, **self.scores(quantities)})


def _one_side(quantities: Mapping[str, Tensor], side: str) -> dict[str, Tensor]:
    prefix = f"{side}_"
    return {name.removeprefix(prefix): x for name, x in quantities.items() if name.startswith(prefix)}


witness = Witness(  # the chosen side's log-ratio is 0, the rejected side's ln 3: sigmoid(-ln 3) = 1/4
    Pairwise(LogRatio(beta=1.0), Logistic()),
    given={
        "chosen_logp": [[-1.0, -1.0]],
        "chosen_ref_logp": [[-1.5, -0.5]],
        "chosen_mask": [[1, 1]],
        "rejected_logp": [[-1.0, 0.0]],
        "rejected_ref_logp": [[-1.0 - LN3, 0.0]],
        "rejected_mask": [[1, 0]],
    },
    returns=[LN4],
    gradient={"chosen_logp": [[-0.75, -0.75]], "rejected_logp": [[0.75, 0.0]], "chosen_ref_logp": None},
)
