"""Questions: which rollouts are asked for, and in which order. A question is what stands in a page's address; its answer is a list of numbers, of which a page shows a part.

    Question.of({"step": "3-8", "reward": "-0.5", "sort": "-reward", "text": "therefore"})

Ranges are ``low-high``, either end of which may be missing (``3-``), or a number; both ends count. A negative number is written as it is (``-1--0.5``).
"""

import re
import sqlite3
import threading
from array import array
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.viewing.index import Index

LETTERS = 3  # the fewest that can be searched for
KEPT = 16  # answers
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})?\s*(-|\.\.)?\s*({_NUMBER})?\s*")
SORTS = {"step": ("r.step", "r.place"), "reward": ("r.reward", "r.id"), "length": ("r.length", "r.id"), "turns": ("r.turns", "r.id")}
STATES = {
    "valid": "r.valid",
    "invalid": "not r.valid",
    "failed": "r.failed",
    "cut": "r.cut",
    "ended": "not r.cut",
    "forked": "r.forked",
}
RANGES = ("step", "reward", "length", "turns")

Range = tuple[float | None, float | None]


@dataclass(frozen=True)
class Question:
    """Attributes:
    test: of the evaluation, and not sampled to learn from.
    ranges: by the column's name.
    component, within: of which reward, and in which range it lies.
    prompt: the digest of a prompt, hexadecimal.
    state: one of ``STATES``.
    text, where: what is said, in the completion ("said"), the prompt ("asked") or either ("").
    sort: a name of ``SORTS`` or a component's.
    down: the highest first.
    """

    test: bool = False
    ranges: tuple[tuple[str, Range], ...] = ()
    component: str = ""
    within: Range = (None, None)
    prompt: str = ""
    state: str = ""
    text: str = ""
    where: str = ""
    sort: str = "step"
    down: bool = False

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "Question":
        """The question that an address asks.

        Raises:
            InputError: it cannot be read.
        """
        sort = asked.get("sort", "") or "step"
        state, where, prompt = asked.get("state", ""), asked.get("where", ""), asked.get("prompt", "")
        if state and state not in STATES:
            raise InputError(f"state={state}: it is one of {', '.join(STATES)}")
        if where not in ("", "said", "asked"):
            raise InputError(f"where={where}: it is said, asked, or nothing for either")
        if not re.fullmatch(r"[0-9a-f]*", prompt):
            raise InputError(f"prompt={prompt}: it is a prompt's number, in hexadecimal digits")
        text = asked.get("text", "").strip()
        if text and len(text) < LETTERS:
            raise InputError(f"texts are searched by {LETTERS} letters or more")
        ranges = tuple((name, range_of(asked[name], name)) for name in RANGES if asked.get(name))
        component = asked.get("component", "")
        within = range_of(asked["within"], "within") if component and asked.get("within") else (None, None)
        split = asked.get("split", "") or "sampled"
        if split not in ("sampled", "test"):
            raise InputError(f"split={split}: it is sampled or test")
        return cls(split == "test", ranges, component, within, prompt, state, text, where, sort.removeprefix("-"), sort.startswith("-"))

    def sql(self, index: Index) -> tuple[str, list[Any]]:
        """The statement that finds the numbers of the rollouts, and its values."""
        conditions, values = ["r.test = ?"], [int(self.test)]
        for name, (low, high) in self.ranges:
            conditions += [f"r.{name} {sign} ?" for sign, end in ((">=", low), ("<=", high)) if end is not None]
            values += [end for end in (low, high) if end is not None]
        if self.prompt:
            conditions.append("r.prompt = (select id from prompts where digest = ?)")
            values.append(bytes.fromhex(self.prompt + "0" * (len(self.prompt) % 2)))
        if self.state:
            conditions.append(STATES[self.state])
        if self.component:
            own, more = _within("name = ? and test = ?", [index.name(self.component), int(self.test)], "value", self.within)
            conditions.append(f"r.id in (select rollout from components where {own})")
            values += more
        if self.text:
            sql, more = self._said()
            conditions.append(f"r.id in ({sql})")
            values += more
        way = " desc" if self.down else ""
        if self.sort in SORTS:
            order = ", ".join(column + way for column in SORTS[self.sort])
            return f"select r.id from rollouts r where {' and '.join(conditions)} order by {order}", values
        given = [index.name(self.sort), int(self.test)]
        if len(conditions) == 1:  # what is sorted by says it all
            return f"select rollout from components where name = ? and test = ? order by value{way}, rollout{way}", given
        sql = f"select r.id from components c cross join rollouts r on r.id = c.rollout where c.name = ? and c.test = ? and {' and '.join(conditions)}"
        return f"{sql} order by c.value{way}, c.rollout{way}", [*given, *values]

    def _said(self) -> tuple[str, list[str]]:
        phrase = '"' + self.text.replace("\0", " ").replace('"', '""') + '"'
        said = "select rowid from said where said match ?"
        asked = "select id from rollouts where prompt in (select rowid from asked where asked match ?)"
        parts = {"said": (said,), "asked": (asked,), "": (said, asked)}[self.where]
        return " union all ".join(parts), [phrase] * len(parts)


def _within(condition: str, values: list[Any], column: str, ends: Range) -> tuple[str, list[Any]]:
    low, high = ends
    conditions = [condition, *(f"{column} {sign} ?" for sign, end in ((">=", low), ("<=", high)) if end is not None)]
    return " and ".join(conditions), [*values, *(end for end in (low, high) if end is not None)]


def range_of(text: str, name: str) -> Range:
    """The two ends of a range; None where there is none.

    Raises:
        InputError: the text is no range.
    """
    found = _RANGE.fullmatch(text)
    if found is None or not (found[1] or found[3]) or (found[1] and found[3] and not found[2]):
        raise InputError(f"{name}={text}: write a number or a range, such as 3, 3-8, 3- or ..8")
    low = None if found[1] is None else float(found[1])
    high = None if found[3] is None else float(found[3])
    return (low, low) if found[2] is None else (low, high)


class Answers:
    """The numbers of the rollouts that questions of one run found, for as long as the index stays as it is."""

    def __init__(self, index: Index):
        self.index = index
        self._kept: OrderedDict[Question, tuple[int, array]] = OrderedDict()  # the one that was asked for last at the end
        self._lock = threading.Lock()

    def __call__(self, question: Question) -> array:
        """All of them, in their order."""
        version = self.index.version
        with self._lock:
            kept = self._kept.pop(question, None)
        if kept is None or kept[0] != version:
            sql, values = question.sql(self.index)
            try:
                found = array("q", (number for (number,) in self.index.db.execute(sql, values)))
            except (sqlite3.OperationalError, OverflowError) as error:
                raise InputError(f"this cannot be asked ({error})") from error
            kept = version, found
        with self._lock:
            self._kept[question] = kept
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return kept[1]
