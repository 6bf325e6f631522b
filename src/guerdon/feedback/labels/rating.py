"""Rating: one answer has a number on a scale that is known.

    {prompt, completion, rating} -> answers (completion), worth (rating - low) / (high - low)        0 to 1

``column`` names the number's column. A row {prompt, completion, label} of KTO, whose label is true or false, is ``Rating("label", 0, 1)``.

Source: ours. The scale of 1 to 10 is that of ``feedback.formats.score``.
Differs from Pair: what an answer is worth does not depend on what it was compared with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.labels import Labelled
from guerdon.feedback.labels._columns import column, number, there
from guerdon.feedback.labels.pair import Pair
from guerdon.witness import Witness


@dataclass(frozen=True)
class Rating:
    column: str = "rating"
    low: float = 1.0
    high: float = 10.0

    told_by: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"completion", "rating"}),)

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise InputError(f"the lowest rating is {self.low:g} and the highest {self.high:g}; low is below high")

    def __call__(self, row: Mapping[str, Any]) -> Labelled:
        given = there(row, self.column)
        if isinstance(given, bool) and (self.low, self.high) != (0, 1):
            raise InputError(f"column {self.column!r} holds {given}, which is 1 or 0: give the scale of it, low: 0 and high: 1")
        rating = number(given, self.column)
        if not self.low <= rating <= self.high:
            raise InputError(
                f"column {self.column!r} holds {rating:g}, which is outside the scale of {self.low:g} to {self.high:g}; set low and high"
            )
        return Labelled(column(row, "prompt"), (column(row, "completion"),), ((rating - self.low) / (self.high - self.low),))


_row = {"prompt": "p", "completion": "a", "rating": 4, "label": True, "chosen": "a", "rejected": "b"}
witness = (
    Witness(Rating(), parent=Pair(), given={"row": _row}, returns=Labelled("p", ("a",), (1 / 3,))),
    Witness(Rating(low=0, high=5), parent=Rating(), given={"row": _row}, returns=Labelled("p", ("a",), (0.8,))),
    Witness(Rating("label", 0, 1), parent=Rating(), given={"row": _row}, returns=Labelled("p", ("a",), (1.0,))),
)
