"""Least expected: of rows with a right answer those are gone on with whose answer the model finds least likely: what it is not good at yet.

    kept = the floor(share * rows) rows with the highest ``column``, the highest first        rows; of equal ones the first

``column`` holds a number per row, by default the perplexity of its answer under the model as it is, exp of the mean negative log-likelihood of its tokens: measured anew in each
round, so that what has been learned drops out. ``apart`` names a column (a row that calls a tool, or none): of each of its values the share is taken. Rows without a number are
never kept. Answers that are wrong are among the least likely, and so are kept as well.

Source: iTool, Zeng et al. 2025, arXiv 2501.09766, and its authors' code (zeng-yirong/iTool, ``utils.py``, ``active_select``): perplexity, 0.3, with calls and other answers apart.
Differs from RejectionSampling: prompts are chosen, by how unlikely what is right is, and not answers by how good they are."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class LeastExpected:
    share: float = 0.3
    column: str = "perplexity"
    apart: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"least_expected.share is {self.share}; give a number above 0 and at most 1")

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        kinds: dict[Any, list[Mapping[str, Any]]] = {}
        for place, row in enumerate(rows):
            for name in filter(None, (self.column, self.apart)):
                if name not in row:
                    raise InputError(
                        f"least_expected: row {place} has no column {name!r} (columns: {', '.join(row)}); measure it, or name another"
                    )
            if row[self.column] is not None and not math.isnan(row[self.column]):
                kinds.setdefault(row[self.apart] if self.apart else None, []).append(row)
        return [
            dict(row)
            for own in kinds.values()
            for row in sorted(own, key=lambda row: -row[self.column])[: math.floor(len(own) * self.share + 1e-9)]
        ]


def _row(name: str, perplexity: float | None, kind: str = "call") -> dict[str, Any]:
    return {"prompt": name, "completions": [name], "scores": [1.0], "perplexity": perplexity, "kind": kind, "wrong": -(perplexity or 0.0)}


_a, _b, _c, _d, _e = _row("a", 2.0), _row("b", 5.0), _row("c", 3.0), _row("d", 1.5, "talk"), _row("e", None)
_given = {"rows": [_a, _b, _c, _d, _e]}
_half = LeastExpected(0.5)
witness = (
    Witness(_half, parent=RejectionSampling(), given=_given, returns=[_b, _c]),
    Witness(LeastExpected(), parent=_half, given=_given, returns=[_b]),
    Witness(LeastExpected(0.5, column="wrong"), parent=_half, given=_given, returns=[_e, _d]),
    Witness(LeastExpected(0.5, apart="kind"), parent=_half, given=_given, returns=[_b]),  # one of three calls, none of one that talks
)
