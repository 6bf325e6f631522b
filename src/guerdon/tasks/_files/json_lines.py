"""JSON lines: an object a line. A file that holds one JSON list in spite of its name is read as that."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks._files import _opening
from guerdon.tasks._files._json import an_object, parsed

suffixes = ("jsonl", "ndjson")


def rows(path: Path, texts: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    begun = False
    for number, line in _opening.lines(path):
        line = line.lstrip("\ufeff")  # files with a mark each, one after the other
        if not line or line.isspace():
            continue
        if not begun and line.lstrip().startswith("[") and (array := _array(path)) is not None:
            yield from array
            return
        begun = True
        where = f"line {number} of {path}"
        yield an_object(parsed(line, where, "; each line must be one object"), where)


def _array(path: Path) -> list[dict[str, Any]] | None:
    """The rows of a file that is a JSON list of objects, or None."""
    try:
        value = parsed(_opening.whole(path), str(path))
    except InputError:
        return None
    return value if isinstance(value, list) and all(isinstance(row, dict) for row in value) else None
