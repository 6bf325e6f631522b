"""Sets of prompts that teach less than the others: those with one value in a column, or with prompts of one length.

A column counts if its values are few (texts, flags) or numbers, which are cut into thirds; of a column that holds a mapping (``metadata``) every entry does.
A set is named if its groups are silent for the most part even at the low end of the interval, and much more often than those of the other prompts. Of a
dozen sets one will look so by chance now and then: what is named is to be looked at with more prompts before rows are left out.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from guerdon.evaluation.statistics import Estimate
from guerdon.interfaces.check.teaching import Drawn, plain, silence
from guerdon.interfaces.preparing import Prepared
from guerdon.tasks.rows import Row

_FEWEST, _DISTINCT = 4, 12
_SILENT, _MORE = 0.6, 0.25
_DEEP = 2
_SAID = ("prompt", "completion", "answer", "solution")  # what is asked and what is right


def sets_of(prepared: Prepared, drawn: Drawn, whole: Callable[[int], Estimate], size: int) -> list[dict[str, Any]]:
    """Sets worth leaving out, the most silent first, with the share of groups of ``size`` that are silent in it."""
    rows = [prepared.rows[i] for i in drawn.rows]
    found = []
    for name, places in _sets(rows, drawn):
        if not _FEWEST <= len(places) <= len(rows) - _FEWEST:
            continue
        own, rest = drawn.of(places), drawn.of(sorted(set(range(len(rows))) - set(places)))
        silent, others = silence(own)(size), silence(rest)(size)
        if silent.low > _SILENT and silent.value > others.value + _MORE:
            right, of = own.counts(own.right)
            found.append(
                {
                    "set": name,
                    "prompts": len(places),
                    "silent": plain(silent),
                    "others": plain(others),
                    "right": int(right.sum()),
                    "of": int(of.sum()),
                }
            )
    return sorted(found, key=lambda one: -one["silent"]["value"])


def _sets(rows: list[Row], drawn: Drawn) -> Iterator[tuple[str, list[int]]]:
    """Names of sets, and the places of their prompts."""
    yield from _thirds("prompt of", drawn.prompt_tokens, " tokens")
    columns: dict[str, list[Any]] = {}
    for place, row in enumerate(rows):
        for name, value in _flat(row, _DEEP):
            columns.setdefault(name, [None] * len(rows))[place] = value
    for name, values in columns.items():
        distinct = {repr(value) for value in values if value is not None}
        if 2 <= len(distinct) <= _DISTINCT:
            for shown in sorted(distinct):
                yield f"{name}: {shown}", [place for place, value in enumerate(values) if repr(value) == shown]
        elif len(distinct) > 1 and all(isinstance(value, int | float) for value in values):
            yield from _thirds(f"{name}:", values)


def _flat(row: Mapping[str, Any], deep: int, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if not before and name in _SAID:
            continue
        if isinstance(value, Mapping) and deep:
            yield from _flat(value, deep - 1, f"{before}{name}.")
        elif isinstance(value, str | int | float | bool):
            yield f"{before}{name}", value


def _thirds(name: str, values: list[Any], unit: str = "") -> Iterator[tuple[str, list[int]]]:
    """Below the first third, between, above the second."""
    low, high = np.quantile(np.array(values, dtype=float), [1 / 3, 2 / 3])
    yield f"{name} up to {low:g}{unit}", [place for place, value in enumerate(values) if value <= low]
    yield f"{name} more than {high:g}{unit}", [place for place, value in enumerate(values) if value > high]
