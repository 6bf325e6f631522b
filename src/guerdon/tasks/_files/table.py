"""Tables of text: comma- and tab-separated values with a header.

What a column holds is told by all of its fields: flags, where each says true or false; numbers, where each spells one; and otherwise text, as it stands.
A number with leading zeros ("007") is a text, since a number would lose them, and so is a column whose name says that it holds text. A field of numbers or
flags with nothing in it is None, and so is one of answers: a table writes nothing where another file writes null. Columns without a
name (the index that pandas writes) are left out.
"""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks._files import _opening

suffixes = ("csv", "tsv")

# Columns that hold text whatever it looks like.
TEXTS = frozenset({"prompt", "completion", "chosen", "rejected", "text", "question", "answer", "instruction", "input", "output", "system"})
# Of these, those that hold what is learned from.
ANSWERS = frozenset({"completion", "chosen", "rejected"})
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?|[-+]?(nan|inf|infinity)", re.IGNORECASE)
_WHOLE = re.compile(r"[-+]?[0-9]+")
_FLAGS = {"true": True, "false": False}
_SEPARATOR = re.compile(r"\s*sep=(.)[ \t]*(\r\n|\r|\n)", re.IGNORECASE)
_SEPARATORS = (",", ";", "\t", "|")


def rows(path: Path, texts: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    names, fields = _fields(path)
    kept = [place for place, name in enumerate(names) if name]
    columns = []
    for place in kept:
        column = [row[place] for row in fields]
        if names[place] in ANSWERS:
            column = [field or None for field in column]
        columns.append(column if names[place] in TEXTS or names[place] in texts else _typed(column))
    named = [names[place] for place in kept]
    for values in zip(*columns, strict=True):
        yield dict(zip(named, values, strict=True))


def _fields(path: Path) -> tuple[list[str], list[list[str]]]:
    """The header, and the fields of every row that has something in it."""
    text, delimiter = _separated(_opening.whole(path), path)
    csv.field_size_limit(2**31 - 1)  # the default refuses what is longer than 128 KiB
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    fields: list[list[str]] = []
    try:
        names = next((_header(row, path) for row in reader if any(map(str.strip, row))), [])
        for row in reader:
            if len(row) != len(names):
                if not any(map(str.strip, row)):
                    continue  # an empty line
                raise InputError(
                    f"row {len(fields) + 1} of {path} (line {reader.line_num}) has another number of fields than its header, {len(row)} and not "
                    f"{len(names)}; quote fields that hold the separator"
                )
            if len(names) > 1 and [field.strip().lstrip("\ufeff") for field in row] == names:
                raise InputError(
                    f"row {len(fields) + 1} of {path} (line {reader.line_num}) is the header once more, as if two files were put together; take that line out"
                )
            spaced = next(
                (f for f in row if f[:1] in (" ", "\t") and f.strip()[:1] == '"' == f.strip()[-1:] and delimiter + f in text), None
            )
            if spaced is not None:  # written without care: the marks would be taken for text
                raise InputError(
                    f"row {len(fields) + 1} of {path} (line {reader.line_num}) has a space before the quotation mark of {spaced!r}; write {delimiter}{spaced.strip()}"
                )
            fields.append(row)
    except csv.Error as error:
        raise InputError(
            f"row {len(fields) + 1} of {path} (line {reader.line_num}) has a quotation mark that is not closed or not doubled ({error}); write quoted "
            'fields as "... ""so"" ..."'
        ) from error
    return names, fields


def _separated(text: str, path: Path) -> tuple[str, str]:
    """The text, and what separates its fields: what a first line of spreadsheets says (``sep=;``), else a tab in .tsv and a comma elsewhere or, where the header
    has none outside of quotation marks, what else is common."""
    said = _SEPARATOR.match(text)
    if said:
        return text[said.end() :], said[1]
    header = next((line for line in text.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", header)
    wanted = "\t" if ".tsv" in path.name.lower() else ","
    return text, next((c for c in (wanted, *_SEPARATORS) if c in bare), wanted)


def _header(row: list[str], path: Path) -> list[str]:
    names = [name.strip() for name in row]
    for name in names:
        if name and names.count(name) > 1:
            raise InputError(f"the header of {path} names the column {name!r} twice; rename one of them")
    return names


def _typed(column: list[str]) -> list[Any]:
    """The fields as the flags or numbers that all of them spell, or else as they are."""
    filled = {field.strip() for field in column} - {""}
    if filled and all(field.lower() in _FLAGS for field in filled):
        return _each(column, lambda field: _FLAGS[field.lower()])
    if filled and all(_is_number(field) for field in filled) and any(field[-1].isdigit() or field[-1] == "." for field in filled):
        return _each(column, _number)
    return column


def _each(column: list[str], value: Callable[[str], Any]) -> list[Any]:
    return [value(field.strip()) if field.strip() else None for field in column]


def _is_number(field: str) -> bool:
    return _NUMBER.fullmatch(field) is not None and any(c.isdigit() or c in "nNfF" for c in field.split("e")[0]) and len(field) < 4000


def _number(field: str) -> int | float:
    return int(field) if _WHOLE.fullmatch(field) else float(field)
