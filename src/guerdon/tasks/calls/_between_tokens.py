"""Calls between tokens: a list that a token opens and another closes, and in it each call between two of its own, as DeepSeek's models write them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from guerdon.errors import InputError
from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._json import read_arguments, written
from guerdon.tasks.calls._scanning import scanned


def _token(words: str) -> str:
    return f"<\uff5c{words.replace(' ', chr(0x2581))}\uff5c>"


BEGIN, END, CALL, CALLED, THEN = map(_token, ("tool calls begin", "tool calls end", "tool call begin", "tool call end", "tool sep"))
_OPENING = f"(?:{re.escape(BEGIN)}\\s*)?{re.escape(CALL)}|{re.escape(BEGIN)}"
_ENDS = re.compile(f"{re.escape(CALLED)}|{re.escape(END)}")
_LAST = re.compile(f"\\s*{re.escape(END)}")
_NEXT = re.compile(f"\\s*{re.escape(CALL)}")


def read(text: str, opened: bool, head: re.Pattern[str], tail: re.Pattern[str], form: str) -> Found:
    """The calls of a turn. ``head``: what stands before the JSON of a call, its first group the name; ``tail``: what stands between the JSON and the call's end."""

    def taken(text: str, opening: re.Match[str]) -> tuple[list[Call], int]:
        calls: list[Call] = []
        at, begin = opening.end(), opening.start()
        while True:
            call, at = _one(text, at, head, tail, form)
            calls.append(replace(call, start=begin, end=at))
            follows = _NEXT.match(text, at)
            if follows is None:
                last = _LAST.match(text, at)
                return calls, last.end() if last else at
            begin, at = follows.end() - len(CALL), follows.end()

    return scanned(text, opened, _OPENING, taken)


def write(calls: Sequence[Call], one: Callable[[str, str], str], gap: str = "") -> str:
    """The calls in their list, with a gap between them; ``one``: a name and JSON as they stand between the tokens of a call."""
    for call in calls:
        if not call.name or re.search(r"[\s<>\uff5c]", call.name):
            raise InputError(f"a call of DeepSeek's form cannot say the name {call.name!r}: write one without blanks and brackets")
    inner = [f"{CALL}{one(call.name, written(dict(call.arguments)))}{CALLED}" for call in calls]
    return f"{BEGIN}{gap.join(inner)}{END}"


def _one(text: str, at: int, head: re.Pattern[str], tail: re.Pattern[str], form: str) -> tuple[Call, int]:
    """The call whose name begins at ``at``, and where what follows it begins."""
    begun = head.match(text, at)
    call, end = (
        (Call("", error=f"the call cannot be read; {form}"), None) if begun is None else read_arguments(begun[1], text, begun.end(), form)
    )
    closed = None
    if end is not None:
        inner = tail.match(text, end)
        after = end if inner is None else inner.end()
        closed = re.compile(f"\\s*{re.escape(CALLED)}").match(text, after)
        if closed is not None and inner is not None:
            return call, closed.end()
        if not text[after:].strip():  # the turn ends with whole arguments
            return call, len(text)
        call = replace(call, arguments={}, error=call.error or f"the call is not closed; {form}")
    ends = _ENDS.search(text, at if end is None else end)
    if ends is None:
        return call, len(text)
    return call, ends.end() if ends.group() == CALLED else ends.start()
