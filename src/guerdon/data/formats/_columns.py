"""What every format does with a row's columns: ask for the ones that it needs, keep the numbers."""

import math
from collections.abc import Mapping, Sequence
from numbers import Number
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.rows import missing_column
from guerdon.tasks.sampled import TERMINATED, spoken

TEXTS = ("text", "messages", "conversations", "prompt", "completion", "chosen", "rejected", "completions", "labels", "label")


def column(row: Mapping[str, Any], name: str) -> Any:
    """The value of a column that must be there."""
    if name not in row:
        raise InputError(f"the row {missing_column(name, row)}")
    if row[name] is None:
        raise InputError(f"column {name!r} has nothing in it; fill it in or drop the row")
    return row[name]


def answer(row: Mapping[str, Any], name: str) -> Any:
    """A completion that must be there, with the tokens that were sampled, where the row has them."""
    column(row, name)
    return spoken(row, name)


def listed(row: Mapping[str, Any], name: str) -> Any:
    """The list that a column must hold."""
    value = column(row, name)
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise InputError(f"column {name!r} holds {shown(value)}, where a list is expected; write it as one, or drop the row")
    return value


def shown(value: Any) -> str:
    """A value in a sentence."""
    text = "a number beyond 1e308" if isinstance(value, int) and abs(value) > 10**308 else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """Every further column that holds a number (``margin``, ``weight``, ``score`` ...): losses may ask for it by name."""
    found = {str(k): as_float(v) for k, v in row.items() if k not in TEXTS and not str(k).endswith(TERMINATED) and is_number(v)}
    broken = next((k for k, v in found.items() if not math.isfinite(v)), None)
    if broken is not None:
        held = next(v for k, v in row.items() if str(k) == broken)
        said = "a number beyond 1e308" if isinstance(held, int) else str(held)
        raise InputError(f"column {broken!r} holds {said}, which is not a finite number; correct it or drop the row")
    return found


def as_float(value: Any) -> float:
    """A number as a float: infinity where it is a whole number that no float reaches, "not a number" where it says so itself."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except ValueError:
        return math.nan


def is_number(value: Any) -> bool:
    """Whether a value is a real number, flags included."""
    return isinstance(value, Number) and not isinstance(value, complex)
