"""Printing: whether a program printed what it was to print.

The lines are compared without white space at their ends and without empty ones at the end of the text; words of a line that are numbers with a point
or an exponent agree within ``tolerance``.
"""

import math
import re

_DECIMAL = re.compile(r"[+-]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def same_text(said: str, expected: str, tolerance: float) -> bool:
    """Whether the two are the same."""
    a, b = _lines(said), _lines(expected)
    return a == b or (len(a) == len(b) and all(_same_line(x, y, tolerance) for x, y in zip(a, b, strict=True)))


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _same_line(a: str, b: str, tolerance: float) -> bool:
    first, second = a.split(), b.split()
    return len(first) == len(second) and all(_same_word(x, y, tolerance) for x, y in zip(first, second, strict=True))


def _same_word(a: str, b: str, tolerance: float) -> bool:
    if a == b:
        return True
    if max(len(a), len(b)) > 400 or not (
        _NUMBER.fullmatch(a) and _NUMBER.fullmatch(b) and (_DECIMAL.fullmatch(a) or _DECIMAL.fullmatch(b))
    ):
        return False
    return math.isclose(float(a), float(b), rel_tol=tolerance, abs_tol=tolerance)
