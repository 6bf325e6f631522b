"""What comes of a conversion: rows, and for each reason how many were left out for it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guerdon.errors import InputError


@dataclass(frozen=True)
class Converted:
    """``first``: for each reason the place, among the rows that were read, of the first that was left out for it; ``places``: that of the row of which each
    row was made. Both only where a conversion goes row by row."""

    rows: list[dict[str, Any]]
    left_out: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    places: list[int] | None = None


class LeftOut(Exception):
    """Why a row is left out, in the words in which it is counted."""


def each(rows: Sequence[Mapping[str, Any]], convert: Callable[[Mapping[str, Any]], Iterable[dict[str, Any] | LeftOut]]) -> Converted:
    """What ``convert`` makes of each row; a row of which it makes none says why by raising ``LeftOut``, and what it leaves out of one by yielding it."""
    made: list[dict[str, Any]] = []
    places: list[int] = []
    left_out: Counter[str] = Counter()
    first: dict[str, int] = {}
    for place, row in enumerate(rows):
        own, reasons = [], []
        try:
            for one in convert(row):
                (reasons if isinstance(one, LeftOut) else own).append(one)
        except LeftOut as reason:
            own, reasons = [], [reason]
        except InputError as error:
            own, reasons = [], [str(error).partition(";")[0]]
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # as people bring them: a list where a mapping belongs ...
            own, reasons = [], ["what the columns hold has another form than their names say"]
        made += own
        places += [place] * len(own)
        for reason in map(str, reasons):
            left_out[reason] += 1
            first.setdefault(reason, place)
    return Converted(made, dict(left_out), first, places)


def without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The other columns of a row."""
    return {name: value for name, value in row.items() if name not in names}


def needed(row: Mapping[str, Any], name: str) -> Any:
    """The value of a column; a row in which there is nothing is left out."""
    value = row.get(name)
    if value is None or value == "" or value == []:
        raise LeftOut(f"nothing in column {name!r}")
    return value


def as_messages(text: Any, role: str) -> list[dict[str, Any]]:
    """A text as the one turn that it is, and messages as they are."""
    return [{"role": role, "content": text}] if isinstance(text, str) else list(text)
