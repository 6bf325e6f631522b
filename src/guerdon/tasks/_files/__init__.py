"""Files of rows. A module of this folder reads one kind: ``suffixes`` are the ends of its names, ``rows(path, texts)`` gives its rows.

Every kind may be compressed by gzip, Zstandard, bzip2 or xz, whatever its name says (``_opening``). What cannot be read is refused in a sentence with the file, the
line or row, and the column.
"""

import importlib
import pkgutil
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks._files._opening import COMPRESSED, otherwise, readable

__all__ = ["kind", "known", "otherwise", "read", "rows"]


def read(path: Path, texts: Collection[str] = ()) -> list[dict[str, Any]]:
    """The rows of a file.

    Args:
        texts: columns of a table that hold text even where it looks like a number.

    Raises:
        InputError: the file cannot be read as what its name says; the sentence names the place in it.
    """
    return list(rows(path, texts))


def rows(path: Path, texts: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    """``read``, one row at a time where the kind of file can."""
    with readable(path):
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty; it should hold one JSON object per line, or a table")
        yield from _readers()[kind(path)].rows(path, texts)


def kind(path: Path) -> str | None:
    """The kind of file that the name says (``jsonl``, ``csv``, ``parquet`` ...), or None."""
    name = path.name.lower()
    for end in COMPRESSED:
        name = name.removesuffix(end)
    suffix = name.rpartition(".")[2]
    return suffix if suffix in _readers() else None


def known() -> str:
    """The ends of names that are read, for a sentence."""
    return f"{', '.join(f'.{suffix}' for suffix in _readers())}, also with {', '.join(COMPRESSED[:-1])} or {COMPRESSED[-1]} after it"


@cache
def _readers() -> dict[str, ModuleType]:
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    return {suffix: module for module in modules for suffix in module.suffixes}
