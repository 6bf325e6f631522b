"""The number in what a reward function returned for a completion: a finite one of any kind that knows what float it is, or why it is none."""

import contextlib
import math
import numbers
from typing import Any

from guerdon.feedback.helpers import Failure


class NoNumber(float):
    """NaN that says why it is none: what a reward gives for a completion that it failed for, where others of the batch have their numbers. ``said``: what was said in its place."""

    why: str
    said: str

    def __new__(cls, why: str, said: str = "") -> "NoNumber":
        self = super().__new__(cls, math.nan)
        self.why, self.said = why, said
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.why, self.said)


class Remarked(float):
    """A number with what was said beside it: a judge's words, which a run keeps."""

    said: str

    def __new__(cls, number: float, said: str) -> "Remarked":
        self = super().__new__(cls, number)
        self.said = said
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (float(self), self.said)


def as_number(value: Any) -> float | Failure | None:
    """A float for numbers of Python, numpy and torch, booleans, decimals and fractions; None for None; else a ``Failure`` that says what it was."""
    if value is None or isinstance(value, Failure):
        return value
    if isinstance(value, NoNumber):
        return Failure(value.why)
    if hasattr(value, "item"):
        with contextlib.suppress(Exception):
            value = value.item()
    if not isinstance(value, numbers.Real) and not (isinstance(value, numbers.Number) and hasattr(value, "__float__")):
        return Failure(f"returned {_short(value)}, which is no number")
    try:
        number = float(value)
    except OverflowError:
        return Failure(f"returned {_short(value)}, which is too large for a float")
    except Exception as error:  # a signalling NaN, a number of somebody's own
        return Failure(f"returned {_short(value)}, which is no number: {error}")
    return number if math.isfinite(number) else Failure(f"returned {number}")


def _short(value: Any) -> str:
    try:
        shown = repr(value)
    except Exception:  # among them a whole number of more digits than Python writes
        return f"something of type {type(value).__name__} that cannot be shown"
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return f"the {type(value).__name__} {shown}"
