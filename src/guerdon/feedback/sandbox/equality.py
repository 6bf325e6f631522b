"""Equality: whether two plain values are the same, by rules that no program has a say in.

    numbers              within ``tolerance``, relatively and absolutely; two whole numbers exactly; a truth value is no number
    texts, bytes, None   exactly
    lists and tuples     of one length and the same in every place; a list is a tuple with the same content, as data have only lists
    sets                 of the same elements
    dictionaries         of the same keys; a whole number is the key that it is written as, as data have only texts

Anything else is not the same as anything.
"""

import math
from collections import deque
from decimal import Decimal
from fractions import Fraction
from typing import Any


def equal(a: Any, b: Any, tolerance: float = 1e-6) -> bool:
    """Whether they are the same; False for what is nested too deeply to say."""
    try:
        return _equal(a, b, tolerance)
    except (RecursionError, OverflowError):
        return False


def _equal(a: Any, b: Any, tolerance: float) -> bool:
    if type(a) is bool or type(b) is bool or a is None or b is None:
        return a is b
    if type(a) is int and type(b) is int:
        return a == b
    if type(a) in _REAL and type(b) in _REAL:
        if a != a or b != b:
            return a != a and b != b
        return a == b or math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
    if type(a) is complex or type(b) is complex:
        return type(a) in _COMPLEX and type(b) in _COMPLEX and abs(a - b) <= tolerance * max(abs(a), abs(b), 1)
    if type(a) in _ROWS and type(b) in _ROWS:
        return len(a) == len(b) and all(_equal(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if type(a) in _SETS and type(b) in _SETS:
        return a == b
    if type(a) is dict and type(b) is dict:
        first, second = _keyed(a), _keyed(b)
        return first.keys() == second.keys() and all(_equal(first[key], second[key], tolerance) for key in first)
    return type(a) is type(b) and type(a) in (str, bytes) and a == b


_REAL = (int, float, Decimal, Fraction)
_COMPLEX = (int, float, complex)
_ROWS = (list, tuple, deque)
_SETS = (set, frozenset)


def _keyed(table: dict[Any, Any]) -> dict[Any, Any]:
    return {str(key) if type(key) is int else key: value for key, value in table.items()}
