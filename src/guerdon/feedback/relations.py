r"""Relations: what an inequality of one unknown says of it, as an interval, and a ratio as its numbers.

x > 2          (2, \infty)            -1 \le x < 1          [-1, 1)
3:4            as a fraction; "2:05", "12:00" are times of a clock, which are equal or not
"""

import re
from dataclasses import dataclass
from math import gcd

_SIGNS = {"<": "<", ">": ">", "\\lt": "<", "\\gt": ">"}
_SIGNS |= dict.fromkeys(("<=", "\u2264", "\\le", "\\leq", "\\leqslant"), "<=") | dict.fromkeys(
    (">=", "\u2265", "\\ge", "\\geq", "\\geqslant"), ">="
)
_SIGN = re.compile(r"(\\(?:leqslant|geqslant|leq|geq|le|ge|lt|gt)(?![a-zA-Z])|[<>]=?|[\u2264\u2265])")
_UNKNOWN = re.compile(r"\\?[A-Za-z]|\\[a-z]{2,7}|[A-Za-z]_(?:\{\w{1,3}\}|\w)")
_CONSTANTS = ("e", "i", "\\pi", "\\infty")
_RATIO = re.compile(r"\d{1,9}(?:\s*:\s*\d{1,9}){1,5}")
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True)
class Bounds:
    """An unknown and what bounds it, as texts; None is no bound. ``kind``: the brackets of the interval, as "(]"."""

    name: str
    kind: str
    low: str | None
    high: str | None


def bounds(text: str) -> Bounds | None:
    """The bounds of "x > 2", "2 < x" or "-1 \\le x < 1"; None of anything else."""
    pieces = _SIGN.split(text)
    if len(pieces) not in (3, 5):
        return None
    texts, signs = [piece.strip() for piece in pieces[::2]], [_SIGNS[sign] for sign in pieces[1::2]]
    unknown = [place for place, piece in enumerate(texts) if _UNKNOWN.fullmatch(piece) and piece not in _CONSTANTS]
    if len(unknown) != 1 or not all(texts):
        return None
    if len(texts) == 2:
        sign = signs[0] if unknown == [0] else _TURNED[signs[0]]
        name, other = texts[unknown[0]], texts[1 - unknown[0]]
        if sign[0] == ">":
            return Bounds(name, "[)" if sign == ">=" else "()", other, None)
        return Bounds(name, "(]" if sign == "<=" else "()", None, other)
    if unknown != [1] or signs[0][0] != signs[1][0]:
        return None
    if signs[0][0] == ">":
        texts, signs = texts[::-1], [_TURNED[sign] for sign in signs[::-1]]
    return Bounds(texts[1], ("[" if signs[0] == "<=" else "(") + ("]" if signs[1] == "<=" else ")"), texts[0], texts[2])


def ratio(text: str) -> tuple[int, ...] | None:
    """The numbers of a ratio or a time, "3:4", "1:2:3", "12:05"."""
    return tuple(int(one) for one in text.split(":")) if _RATIO.fullmatch(text) else None


def is_clock(text: str) -> bool:
    """Whether numbers between colons are a time and no ratio: minutes of two digits, and they could be reduced."""
    after = text.rpartition(":")[2].strip()
    numbers = ratio(text) or ()
    return len(after) == 2 and all(number < 60 for number in numbers[1:]) and (after[0] == "0" or gcd(*numbers) > 1)
