"""Plain values as they pass between processes that do not trust each other: numbers, texts, and collections of them, as JSON.

    None, true, 1, 0.5, "a"                                            themselves
    {"l": [...]}, {"t": ...}, {"s": ...}, {"f": ...}, {"q": ...}       list, tuple, set, frozenset, deque
    {"d": [[key, value], ...]}                                         a dictionary
    {"b": hex}, {"i": hex}                                             bytes, a whole number of very many digits
    {"c": [x, y]}, {"n": [kind, text]}                                 a complex number, a decimal or a fraction
    {"o": number, "k": name}                                           an object that stays where it is, if there is a table for them

What is read is of exactly these types, whatever was written: no class of the other side, and no method of it, arrives.
"""

import json
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

_GROUPS = {"l": list, "t": tuple, "s": set, "f": frozenset, "q": deque}
_NUMBERS = {"Decimal": Decimal, "Fraction": Fraction}
_BITS = 10_000  # of a whole number that is written in decimal digits
_LONGEST = 2000  # characters of a decimal or a fraction


def encoded(value: Any, kept: Callable[[Any], int] | None = None) -> Any:
    """What stands for a value; ``kept`` numbers an object that stays here.

    Raises:
        TypeError: there is no plain value, and nobody keeps it.
    """
    if value is None or value is True or value is False:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            value = value if type(value) is kind else kind.__add__(value, kind())
            return {"i": hex(value)} if kind is int and value.bit_length() > _BITS else value
    for name, kind in _GROUPS.items():
        if isinstance(value, kind):
            return {name: [encoded(item, kept) for item in kind.__iter__(value)]}
    if isinstance(value, dict):
        return {"d": [[encoded(key, kept), encoded(item, kept)] for key, item in dict.items(value)]}
    if isinstance(value, bytes | bytearray):
        return {"b": bytes(value).hex()}
    if isinstance(value, complex):
        return {"c": [value.real, value.imag]}
    if isinstance(value, Decimal | Fraction):
        return {"n": [type(value).__name__, str(value)]}
    if kept is None:
        raise TypeError(f"a value of type {type(value).__name__} is none that can be compared")
    return {"o": kept(value), "k": type(value).__name__}


def decoded(value: Any, shown: Callable[[int, str], Any] | None = None) -> Any:
    """The value; ``shown`` stands for an object of the other side.

    Raises:
        ValueError: it stands for none.
    """
    if value is None or type(value) in (bool, str, int, float):
        return value
    if type(value) is not dict:
        raise ValueError("no plain value")
    try:
        name = next(iter(value))
        inner = value[name]
        if name in _GROUPS:
            return _GROUPS[name](decoded(item, shown) for item in _listed(inner))
        if name == "d":
            return {decoded(key, shown): decoded(item, shown) for key, item in map(_listed, _listed(inner))}
        if name == "b":
            return bytes.fromhex(inner)
        if name == "i":
            return int(inner, 16)
        if name == "c":
            return complex(*map(float, _listed(inner)))
        if name == "n" and len(inner[1]) <= _LONGEST:
            return _NUMBERS[inner[0]](inner[1])
        if name == "o" and shown is not None and type(inner) is int:
            return shown(inner, str(value.get("k", "")))
    except (ArithmeticError, KeyError, StopIteration, TypeError) as error:
        raise ValueError("no plain value") from error
    raise ValueError("no plain value")


def packed(message: Any) -> bytes:
    """A message as a line."""
    return json.dumps(message, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


def unpacked(line: bytes) -> Any:
    """The message of a line.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(line)
    except (RecursionError, UnicodeDecodeError) as error:
        raise ValueError("no message") from error


def _listed(value: Any) -> list[Any]:
    if type(value) is not list:
        raise ValueError("no plain value")
    return value
