"""Converting: from the shape that rows have to the one that is wanted, by the shortest way through ``data.conversions``.

    transcripts -> pairs -> unpaired        the shape of the rows is told by their columns; each arrow is a part of the room

Rows of another shape than the first that is known are left out and counted.

Source: ours.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from guerdon.catalogue import names_in, resolve, unknown
from guerdon.data.conversions import Conversion
from guerdon.data.conversions._converted import Converted
from guerdon.data.conversions._shapes import SHAPES, shape_of
from guerdon.data.conversions.pair import Pair
from guerdon.data.conversions.unpair import Unpair
from guerdon.errors import InputError
from guerdon.tasks.sampled import carried, written
from guerdon.witness import Witness

ROOM = "data.conversions"


@dataclass(frozen=True)
class Converting:
    """``to``: the shape that is wanted. ``by``: parts with settings of their own, which are taken instead of those with the defaults."""

    to: str
    by: tuple[Conversion, ...] = ()

    def __call__(self, rows: Sequence[Mapping[str, Any]], where: str = "the data") -> Converted:
        """Rows of whatever shape is known as rows of the shape ``to``.

        Raises:
            InputError: no such shape; rows of a shape from which no way leads there; or nothing is left.
        """
        if self.to not in (known := targets()):
            raise InputError(unknown("format", str(self.to), known))
        if not len(rows):
            raise InputError(f"{where} has no rows; check the path and the split")
        start = next((shape for row in rows if (shape := shape_of(row)) is not None), None)
        if start is None:
            raise InputError(
                f"the columns {', '.join(map(repr, rows[0]))} of {where} are no format that is known; rename them to those of one of {', '.join(SHAPES)}"
            )
        way_there = way(start, self.to, where)
        found = _Found([carried(row) for row in rows], list(range(len(rows))))
        for kind in way_there:
            found.keep(_not_of(kind.reads))
            found.turn(next((part for part in self.by if type(part) is kind), kind()))
        found.keep(_not_of(self.to))
        found.keep(_why_not)  # what no loss could learn from, also where nothing had to be converted
        if not found.rows:
            raise InputError(f"nothing of {where} is left as {self.to}: {'; '.join(f'{r} ({n})' for r, n in found.left_out.items())}")
        return Converted([written(row) for row in found.rows], dict(found.left_out), found.first, found.places)


@dataclass
class _Found:
    """Rows on their way, where each of them stood as long as that is known, and what was left out."""

    rows: list[Any]
    places: list[int] | None
    left_out: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)

    def keep(self, why_not: Callable[[Any], str]) -> None:
        """The rows of which ``why_not`` says nothing."""
        reasons = [why_not(row) for row in self.rows]
        kept = [i for i, reason in enumerate(reasons) if not reason]
        self._count(Counter(filter(None, reasons)), {reason: i for i, reason in reversed(list(enumerate(reasons))) if reason})
        self.rows = [self.rows[i] for i in kept]
        self.places = None if self.places is None else [self.places[i] for i in kept]

    def turn(self, part: Conversion) -> None:
        """What a conversion makes of them."""
        made = part(self.rows)
        self._count(Counter(made.left_out), made.first)
        self.rows = made.rows
        self.places = None if self.places is None or made.places is None else [self.places[i] for i in made.places]

    def _count(self, left_out: Counter[str], first: Mapping[str, int]) -> None:
        self.left_out.update({reason: count for reason, count in left_out.items() if count})
        for reason, place in first.items():
            if self.places is not None:
                self.first.setdefault(reason, self.places[place])


def _not_of(shape: str) -> Callable[[Any], str]:
    return lambda row: "" if SHAPES[shape](row) else f"not {shape}"


def _why_not(row: Mapping[str, Any]) -> str:
    for name in ("prompt", "chosen", "rejected", "completion"):
        value = row.get(name, "")
        if value is None and not (name == "prompt" and isinstance(row.get("chosen"), Sequence) and not isinstance(row["chosen"], str)):
            return f"column {name!r} has nothing in it"
        if value is not None and (isinstance(value, Mapping) or not isinstance(value, str | Sequence)):
            return f"column {name!r} holds neither a text nor messages"
    equal = "chosen" in row and "rejected" in row and row["chosen"] == row["rejected"]
    return "chosen and rejected are the same, so nothing was preferred" if equal else ""


def targets() -> list[str]:
    """The shapes into which something can be converted."""
    return sorted({kind.gives for kind in _parts()})


def way(start: str, to: str, where: str = "the data") -> list[type]:
    """The shortest chain of conversions from one shape to another; none where they are the same."""
    ways: dict[str, list[type]] = {start: []}
    queue = [start]
    for shape in queue:
        for kind in _parts():
            if kind.reads == shape and kind.gives not in ways:
                ways[kind.gives] = [*ways[shape], kind]
                queue.append(kind.gives)
    if to not in ways:
        there = ", ".join(shape for shape in ways if shape != start) or "nothing else"
        raise InputError(f"{where} is {start}, which cannot become {to}; it can become {there}")
    return ways[to]


@cache
def _parts() -> tuple[type, ...]:
    return tuple(resolve(name, ROOM) for name in names_in(ROOM))


_rows = [
    {"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c", "n": 1},
    {"text": "b"},
]
_answer = {"prompt": [{"role": "user", "content": "a"}], "n": 1}
_unpaired = [{**_answer, "completion": [{"role": "assistant", "content": c}], "label": c == "b"} for c in "bc"]
_answers = [{"prompt": "p", "completion": c, "label": c == "a"} for c in "abc"]
_pairs = [{"prompt": "p", "chosen": "a", "rejected": c} for c in "bc"]
witness = (
    Witness(
        Converting("unpaired"), parent=Unpair(), given={"rows": _rows}, returns={"rows": _unpaired, "left_out": {"not transcripts": 1}}
    ),
    Witness(
        Converting("pairs", by=(Pair(every=True),)),
        parent=Converting("pairs"),
        given={"rows": _answers},
        returns={"rows": _pairs, "left_out": {}},
    ),
)
