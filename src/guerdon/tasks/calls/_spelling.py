"""Spelling: arguments of calls between tags, one tag for each argument; texts, where the format writes no types."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.calls import Call
from guerdon.tasks.calls._json import unsayable, written

Valued = Callable[
    [re.Match[str], str], tuple[Any, str]
]  # what an argument is, by the match of its beginning and its text; and what is wrong with it


def spelled(
    name: str,
    text: str,
    at: int,
    begin: re.Pattern[str],
    value: re.Pattern[str],
    end: re.Pattern[str],
    form: str,
    valued: Valued | None = None,
) -> tuple[Call, int | None]:
    """The call of the tool ``name`` whose arguments begin at ``at``, and where what closes it ends; None where nobody can tell.

    Args:
        begin: an argument up to its text, its first group the name.
        value: the text and what closes it, its first group the text.
        end: what closes the call.
        form: how such a call is written.
        valued: what the texts are, where the format writes types.
    """
    untyped = valued is None
    arguments: dict[str, Any] = {}
    error = "" if name.strip() else f"the call names no tool; {form}"
    while True:
        closing = end.match(text, at)
        if closing is not None:
            error = error or unsayable(arguments)
            return Call(name.strip(), {} if error else arguments, error, spelled=untyped), closing.end()
        begun = begin.match(text, at)
        if begun is None:
            what = repr(text[at:].strip()[:20]) if text[at:].strip() else "nothing"
            return Call(
                name.strip(), error=error or f"the call has {what} where an argument or its end has to stand; {form}", spelled=untyped
            ), None
        own = value.match(text, begun.end())
        key = begun[1].strip()
        if own is None:
            return Call(name.strip(), error=error or f"the argument {key!r} of the call is not closed; {form}", spelled=untyped), None
        if key in arguments:
            error = error or f"the argument {key!r} is given twice; {form}"
        arguments[key], wrong = (own[1], "") if valued is None else valued(begun, own[1])
        error = error or (f"{wrong}; {form}" if wrong else "")
        at = own.end()


def until(call: Call, text: str, start: int, after: int, closing: str) -> tuple[list[Call], int]:
    """A call that could not be read to its end, which reaches to the next ``closing`` or to the end of the turn."""
    found = text.find(closing, after)
    end = len(text) if found < 0 else found + len(closing)
    return [replace(call, start=start, end=end)], end


def sayable(call: Call, forbidden: re.Pattern[str], ends: Sequence[str]) -> None:
    """Refuses names with what is ``forbidden`` in them, and texts that hold one of ``ends``, which would end them or their call.

    Raises:
        InputError: the format cannot say it.
    """
    for name in (call.name, *call.arguments):
        if not name.strip() or name != name.strip() or forbidden.search(name):
            raise InputError(f"a call between tags cannot say the name {name!r}; use another format of calls")
    for name, value in call.arguments.items():
        if held := [end for end in ends if end in as_text(value)]:
            raise InputError(f"the argument {name!r} of a call holds {held[0]}, which ends it; use another format of calls")


def as_text(value: Any) -> str:
    """A text as it is, and every other value as JSON."""
    return value if isinstance(value, str) else written(value)
