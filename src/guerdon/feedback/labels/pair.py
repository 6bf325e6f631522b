"""Pair: of two answers one is preferred.

    {prompt, chosen, rejected} -> answers (chosen, rejected), worth (1, 0)

Source: ours; the columns are the common ones. That the worse of two is worth nothing is a convention, which matters where answers are judged one at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.feedback.labels import Labelled
from guerdon.feedback.labels._columns import column
from guerdon.witness import Witness


@dataclass(frozen=True)
class Pair:
    told_by: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"chosen", "rejected"}),)

    def __call__(self, row: Mapping[str, Any]) -> Labelled:
        return Labelled(column(row, "prompt"), (column(row, "chosen"), column(row, "rejected")), (1.0, 0.0))


witness = Witness(
    Pair(),
    given={"row": {"prompt": "p", "chosen": "a", "rejected": "b", "annotator": 3}},
    returns=Labelled("p", ("a", "b"), (1.0, 0.0)),
)
