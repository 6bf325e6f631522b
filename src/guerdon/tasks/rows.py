"""Rows: sequences that are made as they are asked for, and the checks that say which row is wrong and why."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from guerdon.errors import InputError

Row = Mapping[str, Any]


@dataclass(frozen=True)
class LazyRows(Sequence):
    """``size`` rows, each made by ``make(index)`` when it is asked for. ``make`` must be a pure function of the index."""

    make: Callable[[int], Row]
    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self.make(i) for i in range(*index.indices(self.size))]
        if not -self.size <= index < self.size:
            raise IndexError(index)
        return self.make(index % self.size)


class PlacedRows(list):
    """Rows in whatever order that know where each of them stood: in which file, and as which row of it."""

    def __init__(self, rows: Iterable[Row] = (), places: Sequence[int] = (), sources: Sequence[tuple[str, int]] = ()):
        super().__init__(rows)
        self.places, self.sources = places, sources  # the place of each among the rows of all sources; the sources and their sizes

    @classmethod
    def of(cls, sources: Sequence[tuple[str, Sequence[Row]]]) -> "PlacedRows":
        """The rows of several sources, one after the other."""
        rows = [row for _, some in sources for row in some]
        return cls(rows, range(len(rows)), [(name, len(some)) for name, some in sources])

    @classmethod
    def joined(cls, parts: Sequence["PlacedRows"]) -> "PlacedRows":
        """Several of them, one after the other, each in its own places."""
        rows, places, sources, before = [], [], [], 0
        for part in parts:
            rows += part
            places += [before + at for at in part.places]
            sources += part.sources
            before += sum(size for _, size in part.sources)
        return cls(rows, places, sources)

    def replaced(self, rows: Iterable[Row]) -> "PlacedRows":
        """Other rows in their places."""
        return PlacedRows(rows, self.places, self.sources)

    def select(self, indices: Sequence[int]) -> "PlacedRows":
        return PlacedRows([self[i] for i in indices], [self.places[i] for i in indices], self.sources)

    def place(self, index: int) -> tuple[int, str]:
        """The number of a row in its source, and that source."""
        at = self.places[index]
        for name, size in self.sources:
            if at < size:
                return at, name
            at -= size
        raise IndexError(index)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.select(range(*index.indices(len(self))))
        return super().__getitem__(index)


def place(rows: Sequence[Row], index: int, where: str = "") -> tuple[int, str]:
    """What ``at_row`` is told of a row: where it stood if its rows know that, and otherwise its index in what is called ``where``."""
    return rows.place(index) if isinstance(rows, PlacedRows) else (index, where)


class WrongRow(InputError):
    """One row of many is wrong."""


@contextmanager
def at_row(index: int, where: str = "") -> Iterator[None]:
    """Name the row in whatever InputError is raised inside. Rows are counted from 0, as in every index of theirs."""
    try:
        yield
    except InputError as error:
        raise WrongRow(f"row {index}{f' of {where}' if where else ''} (the first is row 0): {error}") from error


def require(rows: Sequence[Row], columns: Collection[str], where: str = "the data") -> None:
    """Refuse rows that lack one of ``columns`` or have nothing in it, naming the row and the nearest column there is.

    Raises:
        InputError: no rows, a column that a row lacks, or a row with an empty value in it.
    """
    if len(rows) == 0:
        raise InputError(f"{where} has no rows; check the path, the split and the filters")
    for index, row in enumerate(rows):
        if said := lacking(row, columns):
            at, source = place(rows, index, where)
            raise InputError(f"row {at} of {source} (the first is row 0) {said}")


def lacking(row: Row, columns: Collection[str]) -> str:
    """Of the first of ``columns`` that a row lacks, or has nothing in: the end of a sentence that says so; else nothing."""
    for column in columns:
        value = row.get(column)
        if value is None or (isinstance(value, str | Sequence) and not (value.strip() if isinstance(value, str) else value)):
            return missing_column(column, row) if column not in row else f"has nothing in column {column!r}; fill it in or drop the row"
    return ""


def missing_column(column: str, row: Row) -> str:
    """The end of a sentence whose subject lacks ``column``: what there is, the nearest, and how to rename."""
    found = sorted(map(str, row))
    near = get_close_matches(column, found, n=1, cutoff=0.6)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"has no column {column!r}{hint}; columns there: {', '.join(found)}; rename with columns={{{column!r}: {near[0] if near else '...'!r}}}"
