"""Applying: rows of which no reward can tell right from wrong, found before anything is drawn for them.

A verifier of ours that reads the truth of its row (an answer, tests, the problem of a plan ...) gives None where it finds none that it can read, whatever is
said. So each is asked about an empty completion: where none has anything to say, answers to the row would be drawn and left out, or be paid by what else
there is. A function of the user's is not called, as nobody knows what that costs; nor is what compares answers with each other.
"""

import dataclasses
import inspect
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guerdon.errors import InputError
from guerdon.parts import is_part
from guerdon.tasks.encoding import is_conversational
from guerdon.tasks.rows import LazyRows, Row, place

_AT_ONCE = 64
_NOT_TRUTH = {"prompts", "completions", "completion_ids"}


@dataclass
class Unjudged:
    """Rows to which no verifier applies.

    Attributes:
        verifiers: by the component's name, the columns that it reads.
        others: the components that say something of these rows all the same.
        looked: how many rows were looked at, from the first on.
        rows: their indices.
    """

    verifiers: dict[str, list[str]] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    looked: int = 0
    rows: list[int] = field(default_factory=list)

    def why(self, row: Row) -> str:
        """Why answers to a row cannot be judged."""
        columns = list(dict.fromkeys(column for read in self.verifiers.values() for column in read))
        held = next((column for column in columns if row.get(column) is not None), None)
        holds = f"column {held!r} holds {_short(row[held])}" if held is not None else f"there is nothing in column {columns[0]!r}"
        return f"{' and '.join(self.verifiers)} cannot judge answers to it: {holds}"


def unjudged(functions: Mapping[str, Any], rows: Sequence[Row], seconds: float | None = None) -> Unjudged:
    """The rows to which no verifier applies; none where a reward may know what this does not, or where rows are made as they are asked for.

    Args:
        seconds: for how long rows are looked at; None: all of them are.
    """
    found = Unjudged()
    if isinstance(rows, LazyRows) or not all(_ours(function) and not _compares(function) for function in functions.values()):
        return found
    verifiers = {name: part for name, function in functions.items() for part in _verifiers(function)}
    if not verifiers:
        return found
    found.verifiers = {name: _truth(part) for name, part in verifiers.items()}
    found.others = [name for name in functions if name not in verifiers]
    columns = columns_of(rows)
    begun = time.perf_counter()
    while found.looked < len(rows) and (seconds is None or time.perf_counter() - begun < seconds):
        some = [rows[i] for i in range(found.looked, min(found.looked + _AT_ONCE, len(rows)))]
        said = [_asked(part, some, columns) for part in verifiers.values()]
        found.rows += [found.looked + i for i, values in enumerate(zip(*said, strict=True)) if all(value is None for value in values)]
        found.looked += len(some)
    return found


def told(found: Unjudged, rows: Sequence[Row]) -> list[str]:
    """What the user is to be told of them.

    Raises:
        InputError: no answer to any row could be judged.
    """
    if not found.rows:
        return []
    first = found.rows[0]
    at, source = place(rows, first, "the task")
    shown = f"row {at} of {source} (the first is row 0): {found.why(rows[first])}"
    if len(found.rows) == len(rows):
        raise InputError(f"reward: no answer to any of the {len(rows)} rows can be judged; {shown}")
    seen = "" if found.looked == len(rows) else " that were looked at"
    comes_of_it = (
        f"get nothing but {' and '.join(found.others)}"
        if found.others
        else "would be drawn for nothing (encoding.wrong=drop leaves such rows out)"
    )
    return [f"answers to {len(found.rows)} of {found.looked} rows{seen} cannot be judged, and {comes_of_it}; {shown}"]


def columns_of(rows: Sequence[Row], most: int = 256) -> set[str]:
    """The columns that any of the rows has; of rows that are made as they are asked for, of the first ``most``."""
    size = min(len(rows), most) if isinstance(rows, LazyRows) else len(rows)
    return {name for i in range(size) for name in rows[i]}


def _asked(part: Any, rows: list[Row], columns: set[str]) -> list[Any]:
    """What a verifier says of nothing; not None where it fails, which the run is to say."""
    prompts = [row.get("prompt") for row in rows]
    nothing = [[{"role": "assistant", "content": ""}] if is_conversational(prompt) else "" for prompt in prompts]
    read = {name: [row.get(name) for row in rows] for name in (columns | set(_truth(part))) - {"prompt", "completion"}}
    try:
        return part(prompts, nothing, **read)
    except InputError:
        raise
    except Exception:
        return [0.0] * len(rows)


def _ours(function: Any) -> bool:
    return is_part(function) and type(function).__module__.startswith("guerdon.")


def _compares(function: Any) -> bool:
    """Whether it reads which answers are to one prompt."""
    return "group" in inspect.signature(type(function).__call__).parameters


def _verifiers(part: Any) -> Iterator[Any]:
    """The part, where it reads the truth of a row, or those that it asks."""
    if _truth(part):
        yield part
    else:
        for own in dataclasses.fields(part):
            value = getattr(part, own.name)
            if _ours(value):
                yield from _verifiers(value)


def _truth(part: Any) -> list[str]:
    """The columns of the data that a part cannot do without."""
    parameters = inspect.signature(type(part).__call__).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return [name for name in needed if name != "self" and name not in _NOT_TRUTH]


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:40]} ... {shown[-35:]}"
