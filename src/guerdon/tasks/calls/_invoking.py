"""Invoking: a list of calls between two tags, in it a tag for each call, which names the tool, around one for each argument."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from guerdon.tasks.calls import Call, Found
from guerdon.tasks.calls._scanning import scanned
from guerdon.tasks.calls._spelling import Valued, as_text, sayable, spelled

FORBIDDEN = re.compile(r'["<>\n]')


@dataclass(frozen=True)
class Invoking:
    """How the tags are called, and what an argument is.

    Attributes:
        around: the tag of the list.
        prefix: what stands before the words ``invoke`` and ``parameter``.
        attributes: a pattern of what may stand in the tag of an argument behind its name.
        attribute: the same, of a value.
        valued: what an argument is (``_spelling.Valued``); None: a text.
    """

    around: str
    prefix: str = ""
    attributes: str = ""
    attribute: Callable[[Any], str] = lambda value: ""
    valued: Valued | None = None

    @property
    def form(self) -> str:
        said = self.attribute("")
        return (
            f'write <{self.around}><{self.prefix}invoke name="..."><{self.prefix}parameter name="..."{said}>...</{self.prefix}parameter>'
            f"</{self.prefix}invoke></{self.around}>"
        )

    def read(self, text: str, opened: bool) -> Found:
        return scanned(text, opened, f"<{self.around}>", self._taken)

    def write(self, calls: Sequence[Call]) -> str:
        return "\n".join([f"<{self.around}>", *map(self._written, calls), f"</{self.around}>"])

    def _written(self, call: Call) -> str:
        sayable(call, FORBIDDEN, (f"</{self.prefix}parameter>", self._closing, f"</{self.around}>"))
        pairs = [
            f'<{self.prefix}parameter name="{name}"{self.attribute(value)}>{as_text(value)}</{self.prefix}parameter>\n'
            for name, value in call.arguments.items()
        ]
        return f'<{self.prefix}invoke name="{call.name}">\n{"".join(pairs)}{self._closing}'

    @property
    def _closing(self) -> str:
        return f"</{self.prefix}invoke>"

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        """Of a call's beginning; of an argument's, its text and what ends it, the call's end; and of what ends a call that cannot be read."""
        ends = f"{self._closing}|</{self.around}>"
        return (
            re.compile(rf'\s*<{self.prefix}invoke name="([^"<>\n]*)">'),
            re.compile(rf'\s*<{self.prefix}parameter name="([^"<>\n]*)"{self.attributes}>'),
            re.compile(rf"((?:(?!{ends}).)*?)</{self.prefix}parameter>", re.DOTALL),
            re.compile(rf"\s*{self._closing}"),
            re.compile(ends),
        )

    def _taken(self, text: str, opening: re.Match[str]) -> tuple[list[Call], int]:
        head, begin, value, end, ends = self._patterns
        calls: list[Call] = []
        start, at = opening.start(), opening.end()
        named = head.match(text, at)
        while True:
            after = at if named is None else named.end()
            call, closed = Call("", error=f"the call names no tool; {self.form}", spelled=self.valued is None), None
            if named is not None:
                call, closed = spelled(named[1], text, after, begin, value, end, self.form, self.valued)
            if closed is None:
                last = ends.search(text, after)
                closed = len(text) if last is None else last.end() if last.group() == self._closing else last.start()
            calls.append(replace(call, start=start, end=closed))
            named = head.match(text, closed)
            if named is None:
                over = re.compile(rf"\s*</{self.around}>").match(text, closed)
                return calls, closed if over is None else over.end()
            start, at = named.end() - len(named.group().lstrip()), closed
