"""Calls between tokens: a list that a token opens and another closes, and in it each call between two of its own: who is called, a token, and the arguments as JSON."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from guerdon.errors import InputError
from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._json import read_arguments, written
from guerdon.tasks.calls._scanning import scanned


@dataclass(frozen=True)
class Between:
    """Tokens, and how a call is read between them.

    Attributes:
        begin, end: around the list.
        call, called: around each call.
        head: what stands before the JSON of a call, its group ``name`` the name, its group ``id``, if it has one, what results refer to.
        tail: what stands between the JSON and the call's end.
        form: how a call is written, for the model.
    """

    begin: str
    end: str
    call: str
    called: str
    head: re.Pattern[str]
    tail: re.Pattern[str]
    form: str

    @cached_property
    def _opening(self) -> str:
        return f"(?:{re.escape(self.begin)}\\s*)?{re.escape(self.call)}|{re.escape(self.begin)}"

    @cached_property
    def _ends(self) -> re.Pattern[str]:
        return re.compile(f"{re.escape(self.called)}|{re.escape(self.end)}")

    def read(self, text: str, opened: bool) -> Found:
        """The calls of a turn."""
        return scanned(text, opened, self._opening, self._taken)

    def write(self, calls: Sequence[Call], one: Callable[[int, str, str], str], gap: str = "") -> str:
        """The calls in their list, with a gap between them; ``one``: the place, the name and the JSON of a call as they stand between its tokens."""
        for call in calls:
            if not call.name or re.search(r"[\s<>\uff5c]", call.name):
                raise InputError(f"a call between tokens cannot say the name {call.name!r}: write one without blanks and brackets")
        inner = [f"{self.call}{one(place, call.name, written(dict(call.arguments)))}{self.called}" for place, call in enumerate(calls)]
        return f"{self.begin}{gap.join(inner)}{self.end}"

    def _taken(self, text: str, opening: re.Match[str]) -> tuple[list[Call], int]:
        calls: list[Call] = []
        at, begin = opening.end(), opening.start()
        while True:
            call, at = self._one(text, at)
            calls.append(replace(call, start=begin, end=at))
            follows = re.compile(f"\\s*{re.escape(self.call)}").match(text, at)
            if follows is None:
                last = re.compile(f"\\s*{re.escape(self.end)}").match(text, at)
                return calls, last.end() if last else at
            begin, at = follows.end() - len(self.call), follows.end()

    def _one(self, text: str, at: int) -> tuple[Call, int]:
        """The call whose name begins at ``at``, and where what follows it begins."""
        begun = self.head.match(text, at)
        if begun is None:
            call, end = Call("", error=f"the call cannot be read; {self.form}"), None
        else:
            call, end = read_arguments(begun["name"], text, begun.end(), self.form)
            call = replace(call, id=begun.groupdict().get("id", ""))
        closed = None
        if end is not None:
            inner = self.tail.match(text, end)
            after = end if inner is None else inner.end()
            closed = re.compile(f"\\s*{re.escape(self.called)}").match(text, after)
            if closed is not None and inner is not None:
                return call, closed.end()
            if not text[after:].strip():  # the turn ends with whole arguments
                return call, len(text)
            call = replace(call, arguments={}, error=call.error or f"the call is not closed; {self.form}")
        ends = self._ends.search(text, at if end is None else end)
        if ends is None:
            return call, len(text)
        return call, ends.end() if ends.group() == self.called else ends.start()
