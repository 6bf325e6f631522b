"""Disagreement: first what annotators differ on most, by the kind's own distance; then what is not labelled yet, then the rest.

It is of use with more than one label a row: rows on which the first two differ are settled before new ones are begun.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.interfaces.labelling.agreement import dispute
from guerdon.interfaces.labelling.kinds import Kind


@dataclass(frozen=True)
class Disagreement:
    moves: ClassVar[bool] = True

    def __call__(self, rows: Sequence[Any], items: Sequence[Any], answers: Mapping[int, Any], kind: Kind, seed: int) -> Sequence[int]:
        apart = {i: dispute(kind, items[i], said) for i, said in answers.items() if len(said) > 1}
        return sorted(range(len(rows)), key=lambda i: -apart.get(i, 0.0))
