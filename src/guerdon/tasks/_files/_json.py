"""JSON as people bring it: what Python's reader takes and what would come to grief later is refused where it stands."""

import json
import re
import sys
from typing import Any

from guerdon.errors import InputError

DEEPEST = 100  # lists and objects inside one another; Python itself, and what the rows are handed to, stop at some hundreds
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # the escape of half a character
_LONG = re.compile(r'"([^"\\]*)"\s*:\s*-?\d{1000,}')


def parsed(text: str, where: str, advice: str = "") -> Any:
    """The value that a text spells.

    Raises:
        InputError: it is not JSON, or names a key twice, or holds a number, a nesting or half a character that nothing can go on with.
    """
    try:
        value = _READER.decode(text)
    except json.JSONDecodeError as error:
        line = f" of its line {error.lineno}" if error.lineno > 1 else ""
        raise InputError(f"{where} is not JSON ({error.msg} at character {error.colno}{line}){advice}") from error
    except RecursionError as error:
        raise InputError(f"{where} is not JSON that can be read: it is nested more than {DEEPEST} deep") from error
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    except ValueError as error:  # Python reads no whole numbers of more than some thousand digits
        found = _LONG.search(text)
        column = f" in {found[1]!r}" if found else ""
        raise InputError(f"{where} holds a whole number that is too long to be one{column}; put it in quotes if it is a text") from error
    if text.count("[") + text.count("{") > DEEPEST and _is_deep(value):
        raise InputError(f"{where} is nested more than {DEEPEST} deep; flatten it")
    if _HALF.search(text) and not _is_whole(value):
        raise InputError(f"{where} holds half a character (\\ud800 to \\udfff) in {_column(value)}; it was cut in two: mend or drop it")
    return value


def an_object(value: Any, where: str) -> dict[str, Any]:
    """A row."""
    if not isinstance(value, dict):
        raise InputError(f"{where} is a {type(value).__name__}, and a row must be an object with columns")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = {sys.intern(name): value for name, value in pairs}  # a million rows have the same few names
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise InputError(f"the key {next(n for n in names if names.count(n) > 1)!r} is given twice; leave one of them")
    return row


_READER = json.JSONDecoder(object_pairs_hook=_once)


def _is_deep(value: Any) -> bool:
    layer, depth = [value], 0
    while layer:
        layer = [inner for v in layer if isinstance(v, dict | list) for inner in (v.values() if isinstance(v, dict) else v)]
        depth += 1
        if depth > DEEPEST:
            return True
    return False


def _is_whole(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _column(value: Any) -> str:
    return next((f"column {k!r}" for k, v in value.items() if not _is_whole({k: v})), "it") if isinstance(value, dict) else "it"
