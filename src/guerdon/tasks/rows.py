"""Rows: sequences that are made as they are asked for, and the checks that say which row is wrong and why."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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


@contextmanager
def at_row(index: int, where: str = "") -> Iterator[None]:
    """Name the row in whatever InputError is raised inside. Rows are counted from 0, as in every index of theirs."""
    try:
        yield
    except InputError as error:
        raise InputError(f"row {index}{f' of {where}' if where else ''} (the first is row 0): {error}") from error


def require(rows: Sequence[Row], columns: Collection[str], where: str = "the data") -> None:
    """Refuse rows that lack one of ``columns`` or have nothing in it, naming the row and the nearest column there is.

    Raises:
        InputError: no rows, a column that a row lacks, or a row with an empty value in it.
    """
    if len(rows) == 0:
        raise InputError(f"{where} has no rows; check the path, the split and the filters")
    for index, row in enumerate(rows):
        for column in columns:
            if column not in row:
                raise InputError(f"row {index} of {where} (the first is row 0) {missing_column(column, row)}")
            value = row[column]
            if value is None or (isinstance(value, str | Sequence) and not (value.strip() if isinstance(value, str) else value)):
                raise InputError(
                    f"row {index} of {where} (the first is row 0) has nothing in column {column!r}; fill it in or drop the row"
                )


def missing_column(column: str, row: Row) -> str:
    """The end of a sentence whose subject lacks ``column``: what there is, the nearest, and how to rename."""
    found = sorted(map(str, row))
    near = get_close_matches(column, found, n=1, cutoff=0.6)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"has no column {column!r}{hint}; columns there: {', '.join(found)}; rename with columns={{{column!r}: {near[0] if near else '...'!r}}}"
