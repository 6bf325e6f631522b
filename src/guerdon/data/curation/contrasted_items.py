"""Contrasted items: a rubric is what the preferred answer has and the other one lacks, and is kept where judging by it gives the label again.

    listed = items k with chosen_items_k and not rejected_items_k                                  one row {prompt, ..., rubric: [k ...]} for each pair with something listed
    kept   where  sum over listed k of chosen_again_k  >  sum over listed k of rejected_again_k    (``consistent``)

``chosen_items`` and ``rejected_items`` say of each of K items whether a judge saw it met; ``chosen_again`` and ``rejected_again`` are another reading by the same judge. A
list that was made of errors of the first reading does not usually survive the second.

Source: OpenRubrics, Liu et al. 2025, arXiv 2510.07743, abstract: contrastive rubric generation from the preferred and the rejected answer, and rejection sampling by
consistency with the label. There a language model writes the items; here they are given, and what is contrasted is what is met.
Differs from ConsistentLabels: not which pairs are right, but what explains them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.consistent_labels import ConsistentLabels
from guerdon.errors import InputError
from guerdon.witness import Witness

READ = ("chosen_items", "rejected_items")
AGAIN = ("chosen_again", "rejected_again")


@dataclass(frozen=True)
class ContrastedItems:
    consistent: bool = True

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [made for row in rows for made in self._row(row)]

    def _row(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        columns = READ + AGAIN if self.consistent else READ
        if any(row.get(name) is None for name in columns) or len({len(row[name]) for name in columns}) != 1:
            raise InputError(f"contrasted_items: a row needs {', '.join(columns)}, as many verdicts in each as there are items")
        listed = [k for k, (has, lacks) in enumerate(zip(row[READ[0]], row[READ[1]], strict=True)) if has and not lacks]
        if not listed or (self.consistent and sum(row[AGAIN[0]][k] for k in listed) <= sum(row[AGAIN[1]][k] for k in listed)):
            return []
        return [{**{name: value for name, value in row.items() if name not in READ + AGAIN}, "rubric": listed}]


def _row(items: list[int], others: list[int], again: list[int], others_again: list[int]) -> dict[str, Any]:
    read = {"chosen_items": items, "rejected_items": others, "chosen_again": again, "rejected_again": others_again}
    return {"prompt": "p", "chosen": "a", "rejected": "b", **read, "gold": 1.0, "best": 1.0}


_told = {"prompt": "p", "chosen": "a", "rejected": "b", "gold": 1.0, "best": 1.0}
_stands, _falls, _alike = (
    _row([1, 1, 0], [0, 1, 0], [1, 0, 0], [0, 1, 1]),
    _row([1, 1, 0], [0, 1, 1], [0, 1, 0], [0, 1, 1]),
    _row([1], [1], [1], [0]),
)
witness = (
    Witness(ContrastedItems(), parent=ConsistentLabels(), given={"rows": [_stands, _falls, _alike]}, returns=[_told | {"rubric": [0]}]),
    Witness(
        ContrastedItems(consistent=False),
        parent=ContrastedItems(),
        given={"rows": [_stands, _falls, _alike]},
        returns=[_told | {"rubric": [0]}, _told | {"rubric": [0]}],
    ),
)
