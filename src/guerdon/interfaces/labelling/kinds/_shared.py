"""What kinds share."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from guerdon.data.conversions._converted import LeftOut
from guerdon.errors import InputError
from guerdon.evaluation.distances import Distance
from guerdon.evaluation.distances.nominal import Nominal
from guerdon.interfaces.labelling.reading import Item, Row, turns


class Shared:
    """What most kinds do alike."""

    distance: ClassVar[Distance] = Nominal()
    tolerance: ClassVar[float] = 0.0
    soft: ClassVar[bool] = False

    def fits(self, row: Row) -> bool:
        return False

    def shown(self, item: Item, order: Sequence[int]) -> dict[str, Any]:
        return {"prompt": [] if item.prompt is None else turns(item.prompt), "answers": [turns(item.answers[i]) for i in order]}

    def preferred_first(self, answer: Any, order: Sequence[int]) -> bool | None:
        return None

    def apart(self, one: Any, other: Any, item: Item) -> float:
        """The share of places that both judged on which they differ."""
        first, second = (self.units(answer, item) for answer in (one, other))
        both = [(first[s][p], second[s][p]) for s in first.keys() & second.keys() for p in first[s].keys() & second[s].keys()]
        return sum(a != b for a, b in both) / len(both) if both else 0.0


def field(given: Any, name: str) -> Any:
    """What the page sent under a name."""
    if not isinstance(given, Mapping) or name not in given:
        raise InputError(f"an answer of this kind is a table with {name!r}, and this is {short(given)}")
    return given[name]


def short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def most(votes: Sequence[Any]) -> Any:
    """What most said.

    Raises:
        LeftOut: two opinions have as many votes.
    """
    (first, count), *rest = Counter(votes).most_common()
    if rest and rest[0][1] == count:
        raise LeftOut("the annotators are divided")
    return first
