"""Objects of Python that hold rows: lists of mappings, datasets of ``datasets`` and what they stream, data frames, Arrow tables."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks._files.arrow import without_nulls
from guerdon.tasks.rows import Row


class Given:
    """Rows that were given as an object. Two are equal if their rows are; it prints as how many there are and a digest of them.

    Args:
        holder: what holds them; a mapping of such objects holds splits.
        name: what it is called in sentences.
    """

    def __init__(self, holder: Any, name: str = "the rows given"):
        self.name = name
        self.splits: dict[str, Any] = dict(holder) if _has_splits(holder) else {"": holder}
        for one in self.splits.values():
            if not holds_rows(one):
                raise InputError(f"{name}: rows are expected (a list of mappings, a dataset, a data frame), not a {type(one).__name__}")

    def rows(self, split: str, optional: bool = False) -> Sequence[Row]:
        """The rows of a split; an object without splits has them under any name that is not optional."""
        if "" in self.splits:
            return [] if optional else self._read[""]
        if split not in self.splits and not optional:
            raise InputError(f"{self.name}: there is no split {split!r}; there are {', '.join(map(str, self.splits))}")
        return self._read.get(split, [])

    @cached_property
    def _read(self) -> dict[str, list[Row]]:
        return {split: _rows(one, self.name) for split, one in self.splits.items()}

    @cached_property
    def _digest(self) -> str:
        text = json.dumps(self._read, sort_keys=True, default=str).encode(errors="backslashreplace")
        return hashlib.blake2b(text, digest_size=8).hexdigest()

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{sum(map(len, self._read.values()))} rows {self._digest}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Given) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)


def holds_rows(thing: Any) -> bool:
    """Whether it is an object whose rows can be read."""
    if isinstance(thing, str | bytes | Mapping):
        return _has_splits(thing)
    if isinstance(thing, list | tuple):
        return bool(thing) and all(isinstance(row, Mapping) for row in thing)
    return any(hasattr(thing, way) for way in ("to_list", "to_pylist", "to_dicts", "to_dict")) or _is_streamed(thing)


def _has_splits(thing: Any) -> bool:
    return isinstance(thing, Mapping) and bool(thing) and all(not isinstance(v, Mapping | str) and holds_rows(v) for v in thing.values())


def _is_streamed(thing: Any) -> bool:
    return isinstance(thing, Iterable) and hasattr(thing, "features")


def _rows(thing: Any, name: str) -> list[Row]:
    if isinstance(thing, list | tuple):
        return list(thing)
    if hasattr(thing, "to_pylist"):  # an Arrow table
        return list(map(without_nulls, thing.to_pylist(maps_as_pydicts="strict")))
    if hasattr(thing, "column_names") and hasattr(thing, "to_list"):  # a dataset of ``datasets``
        return list(map(without_nulls, thing.to_list()))
    if _is_streamed(thing):
        return list(map(without_nulls, thing))
    return list(thing.to_dicts()) if hasattr(thing, "to_dicts") else _of_frame(thing, name)


def _of_frame(frame: Any, name: str) -> list[Row]:
    """The rows of a pandas data frame. What is missing in a column that holds no floats is None."""
    columns = list(map(str, frame.columns))
    twice = next((c for c in columns if columns.count(c) > 1), None)
    if twice is not None:
        raise InputError(f"{name}: two columns are called {twice!r}; rename one of them")
    missing = {
        str(c): [m and d.kind != "f" for m in absent] for c, absent, d in zip(frame, frame.isna().values.T, frame.dtypes, strict=True)
    }
    return [
        {c: None if missing[c][i] else v for c, v in zip(columns, row.values(), strict=True)}
        for i, row in enumerate(frame.to_dict("records"))
    ]
