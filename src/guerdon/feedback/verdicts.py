"""Verdicts beside what is known to be right: whether a format's answers can be learned, what was written read by it, and whether two verdicts agree."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.formats import Case
from guerdon.feedback.layouts import Unread
from guerdon.feedback.text import final_text
from guerdon.feedback.writers import Answer

Value = float | tuple[float, ...]


def trainable(format: Any) -> None:
    """See that a format asks once, so that there is one answer to learn.

    Raises:
        InputError: it asks several times.
    """
    if not (hasattr(format, "question") and hasattr(format, "read")):
        name = getattr(type(format), "__name__", format)
        own = type(of).__name__ if (of := getattr(format, "of", None)) is not None else "score or preference"
        raise InputError(
            f"the format {name} asks several times and reads all answers together, so there is no one answer to learn; train with a format that asks once ({own}), and judge "
            f"with {name} afterwards"
        )


def read_verdict(format: Any, completion: Any, label: Value) -> Value | None:
    """The verdict that a judge wrote; None where it cannot be read. ``label`` says how many answers were judged."""
    count = len(label) if isinstance(label, tuple) else format.takes
    if (format.takes is None) != isinstance(label, tuple):
        wanted = "a list with a number for each answer" if format.takes is None else "one number"
        raise InputError(
            f"column 'verdict' holds {label!r}, and {type(format).__name__} comes to {wanted}; name the format with which the rows were made"
        )
    found = format.read(Answer(final_text(completion)), Case("", ("",) * count))
    return None if isinstance(found, Unread) else found


def told_of(
    format: Any, completions: Sequence[Any], verdicts: Sequence[Any], worth: Callable[[Value, Value], float], unread: float
) -> list[float | None]:
    """Of each completion ``worth(verdict, label)``; ``unread`` where no verdict can be read, and None where there is no label."""

    def one(completion: Any, label: Value | None) -> float | None:
        if label is None:
            return None
        value = read_verdict(format, completion, label)
        return unread if value is None else worth(value, label)

    return [one(completion, label_of(given)) for completion, given in zip(completions, verdicts, strict=True)]


def label_of(given: Any) -> Value | None:
    """The verdict that is right, as a column holds it.

    Raises:
        InputError: it is no number from 0 to 1, and no list of them.
    """
    if given is None:
        return None
    several = isinstance(given, list | tuple)
    numbers = tuple(given) if several else (given,)
    if not numbers or not all(isinstance(one, int | float) and math.isfinite(one) and 0 <= one <= 1 for one in numbers):
        raise InputError(f"column 'verdict' holds {given!r}, and a number from 0 to 1 is expected, or a list of them")
    return tuple(float(one) for one in numbers) if several else float(given)


def agrees(value: Value, label: Value) -> bool:
    """Whether two verdicts come to the same: the same side of 1/2, or, of several answers, one that is above all others and is none that the label puts below another."""
    if isinstance(value, tuple) and isinstance(label, tuple):
        best = max(value)
        return value.count(best) == 1 and label[value.index(best)] == max(label)
    return _side(value) == _side(label)


def _side(value: Any) -> int:
    return (value > 0.5) - (value < 0.5)
