"""Balanced labels: as many rows of each value of a column, so that nothing is won by always saying the same.

    kept = of what ``of`` makes, for each value of ``column`` the rows of that value, as many as there are of the rarest: of those that are too many, drawn by ``seed``

A judge that always prefers what stands first is right on half of the pairs; what is kept of its verdicts says nothing but that the first is better, and whoever learns from them
learns its bias. The order of the rows stays. Rows that lack the column are an error.

Source: the balance of right verdicts of both kinds is that of R-PRM, arXiv 2503.21295, and its authors' code (see ``verdict_pairs``), there of pairs.
Differs from BalancedLengths: what is balanced is a label. Differs from VerdictPairs: whatever was kept, of any number of labels.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation import Curation
from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.witness import Witness


@dataclass(frozen=True)
class BalancedLabels:
    of: Curation = RejectionSampling(threshold=1.0)
    column: str = "verdict"
    seed: int = 0

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        made = self.of(rows)
        kinds: dict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(made):
            if self.column not in row:
                raise InputError(
                    f"balanced_labels: there is no column {self.column!r} (columns: {', '.join(sorted(row))}); name another one"
                )
            kinds[repr(row[self.column])].append(place)
        labels = {repr(row[self.column]) for row in rows if self.column in row}
        fewest = min((len(kinds[label]) for label in labels | set(kinds)), default=0)
        kept = {
            p
            for label, places in kinds.items()
            for p in random.Random(derive(self.seed, "labels", label)).sample(places, min(fewest, len(places)))
        }
        return [row for place, row in enumerate(made) if place in kept]


def _row(label: float, *said: str) -> dict[str, Any]:
    return {"prompt": "p", "verdict": label, "kind": "k", "completions": list(said), "scores": [1.0] * len(said)}


def _kept(label: float, said: str) -> dict[str, Any]:
    return {"prompt": "p", "verdict": label, "kind": "k", "completion": said, "score": 1.0}


_rows = [_row(1.0, "a"), _row(1.0, "b"), _row(0.0, "c", "d"), _row(1.0, "e")]
witness = (
    Witness(BalancedLabels(), parent=RejectionSampling(threshold=1.0), given={"rows": _rows}, returns=[_kept(1.0, "a"), _kept(0.0, "c")]),
    Witness(
        BalancedLabels(RejectionSampling(keep=None)),
        parent=BalancedLabels(),
        given={"rows": _rows[:3]},
        returns=[_kept(1.0, "a"), _kept(1.0, "b"), _kept(0.0, "c"), _kept(0.0, "d")],
    ),
    Witness(BalancedLabels(seed=1), parent=BalancedLabels(), given={"rows": _rows}, returns=[_kept(0.0, "c"), _kept(1.0, "e")]),
    Witness(
        BalancedLabels(column="kind"),
        parent=BalancedLabels(),
        given={"rows": _rows},
        returns=[_kept(1.0, "a"), _kept(1.0, "b"), _kept(0.0, "c"), _kept(1.0, "e")],
    ),
    Witness(
        BalancedLabels(), parent=RejectionSampling(threshold=1.0), given={"rows": [*_rows[:2], _row(0.0)]}, returns=[]
    ),  # one of the labels is never got right
)
