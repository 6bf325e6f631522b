"""Programs: what a program makes of its inputs, told by what it answers.

printed    by each standard input, what it printed, or None where it failed
returned   by each list of arguments, what a function returned, or a ``Nothing`` that says why it returned none
tested     how many tests hold; they are run where the program is not
queried    the rows of a query on a database that a script builds

What a ``preamble`` defines, Python too, a program knows without having said it.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.sandbox.keeping import Ended
from guerdon.feedback.sandbox.limits import Limits
from guerdon.feedback.sandbox.plain import decoded, encoded, unpacked
from guerdon.feedback.sandbox.pool import Box, pool

_EXAMINING = Limits(seconds=1.0, memory=2**30, output=2**20)
_AFTER = 1.0  # seconds that tests may take longer than the program that they wait for


@dataclass(frozen=True)
class Nothing:
    """Why there is no value."""

    why: str


@dataclass(frozen=True)
class Tested:
    """How many tests there are and hold; why the first does not."""

    passed: int
    of: int
    why: str = ""


@dataclass(frozen=True)
class Rows:
    """What a query found."""

    names: list[str]
    rows: list[list[Any]]


def printed(box: Box, program: str, given: str, limits: Limits, count: int = 0, preamble: str = "") -> str | None:
    """What the program prints when it reads ``given``."""
    with pool(box, False, count).lent() as keeper:
        ended = keeper.run({"what": "script", "program": program, "preamble": preamble}, limits, given.encode("utf-8", "surrogatepass"))
    return None if ended.code or ended.late else ended.printed.decode("utf-8", "replace")


def returned(
    box: Box, program: str, name: str, cases: list[tuple[list, dict]], limits: Limits, count: int = 0, preamble: str = ""
) -> list[Any]:
    """What a function of the program returns for each case; one that ends the process spoils no case after it."""
    found: dict[int, Any] = {}
    rest = list(range(len(cases)))
    while rest:
        asked = [[encoded(list(cases[place][0])), encoded(dict(cases[place][1]))] for place in rest]
        job = {"what": "function", "program": program, "preamble": preamble, "name": name, "cases": asked}
        with pool(box, False, count).lent() as keeper:
            ended = keeper.run(job, limits)
        seen = 0
        for line in ended.answered.split(b"\n")[:-1]:
            value = _value(line, seen)
            if value is None or seen >= len(rest):
                break
            found[rest[seen]] = value[0]
            seen += 1
        if seen < len(rest):
            found[rest[seen]] = Nothing("it took too long" if ended.late else "it ended its process")
            seen = (
                len(rest) if ended.late or not seen else seen + 1
            )  # what is late would be late again; what fails at once is no definition
        rest = rest[seen:]
    return [found.get(place, Nothing("it did not come to this")) for place in range(len(cases))]


def tested(box: Box, program: str, tests: str, entry: str | None, limits: Limits, count: int = 0, preamble: str = "") -> Tested:
    """The tests, run in a process that the program is not in."""
    examining = Limits(limits.seconds + _AFTER, max(limits.memory, _EXAMINING.memory), _EXAMINING.output)
    with pool(box, False, count).lent() as keeper, pool(box, True, count).lent() as examiner:
        theirs, asks = os.pipe()
        answered, answers = os.pipe()
        waiting: list[Callable[[], Ended]] = []
        try:
            waiting.append(keeper.begin({"what": "served", "program": program, "preamble": preamble}, limits, ends=(answers, theirs)))
            waiting.append(examiner.begin({"what": "examined", "tests": tests, "entry": entry}, examining, ends=(asks, answered)))
        finally:
            for end in (theirs, asks, answered, answers):
                os.close(end)  # so that each sees the other's end
            said = waiting.pop()() if len(waiting) > 1 else None
            keeper.stop()
            for wait in waiting:
                wait()
    return _verdict(said)


def queried(
    box: Box, script: str, query: str, limits: Limits, rows: int = 10_000, examines: bool = False, count: int = 0
) -> Rows | Nothing:
    """The rows of a query; ``examines``: in a process in which no program was run."""
    with pool(box, examines, count).lent() as keeper:
        ended = keeper.run({"what": "query", "script": script, "program": query, "rows": rows}, limits)
    try:
        names, found = unpacked(ended.answered)
        return Rows([str(name) for name in names], [list(row) for row in decoded(found)])
    except (TypeError, ValueError):
        return Nothing("it took too long" if ended.late else "it is no query that gives rows")


def _value(line: bytes, number: int) -> tuple[Any] | None:
    """The value that a line says, or that there is none; None where it does not say what it should."""
    try:
        message = unpacked(line)
        if type(message) is not list or message[0] != number:
            return None
        return (decoded(message[1]),) if len(message) == 2 else (Nothing(f"it raised {str(message[2])[:100]}"),)
    except (IndexError, ValueError):
        return None


def _verdict(said: Ended | None) -> Tested:
    try:
        verdict = json.loads(said.printed if said is not None else b"")
        return Tested(int(verdict["passed"]), int(verdict["of"]), str(verdict["why"]))
    except (KeyError, TypeError, ValueError):
        return Tested(0, 1, "they took too long" if said is not None and said.late else "they could not be run to their end")
