"""What comes of a conversion: rows, and for each reason how many were left out for it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guerdon.errors import InputError


@dataclass(frozen=True)
class Converted:
    rows: list[dict[str, Any]]
    left_out: dict[str, int] = field(default_factory=dict)


class LeftOut(Exception):
    """Why a row is left out, in the words in which it is counted."""


def each(rows: Sequence[Mapping[str, Any]], convert: Callable[[Mapping[str, Any]], Iterable[dict[str, Any]]]) -> Converted:
    """What ``convert`` makes of each row; a row of which it makes none says why by raising ``LeftOut``."""
    made: list[dict[str, Any]] = []
    left_out: Counter[str] = Counter()
    for row in rows:
        try:
            made += list(convert(row))
        except LeftOut as reason:
            left_out[str(reason)] += 1
        except InputError as error:
            left_out[str(error).partition(";")[0]] += 1
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # as people bring them: a list where a mapping belongs ...
            left_out["what the columns hold has another form than their names say"] += 1
    return Converted(made, dict(left_out))


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
