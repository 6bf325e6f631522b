"""Duplicates: the very same row more than once, which counts it more than once and, with rows held out, may be on both sides."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from guerdon.interfaces.check.doubts import Doubt
from guerdon.tasks.rows import LazyRows

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared

_SHARE = 0.02  # fewer are in every collection


def look(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    if isinstance(looked.rows, LazyRows):
        return  # made as they are asked for: what comes twice was drawn twice
    first: dict[str, int] = {}
    again = {}
    for index, sides in looked.sides.items():
        key = repr((sides, {k: v for k, v in looked.rows[index].items() if isinstance(v, int | float | str)}))
        if first.setdefault(key, index) != index:
            again[index] = first[key]
    if len(again) > _SHARE * len(looked.sides):
        index, before = next(iter(again.items()))
        yield Doubt(
            f"{len(again)} of {len(looked.sides)} rows are the same as one before them (row {index} as row {before}); drop them, unless they are to count more than once",
            index,
        )
