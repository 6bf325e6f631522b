"""Files of rows: JSON lines, JSON, CSV and Parquet, gzip-compressed or not, told by the end of the name."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from guerdon.errors import InputError

# Columns of CSV files that hold text even where they look like a number.
_TEXTS = {"prompt", "completion", "chosen", "rejected", "text", "question", "answer", "instruction", "output"}


def read(path: Path, limit: int | None = None) -> list[dict[str, Any]]:
    """The rows of a file, at most ``limit``.

    Raises:
        InputError: the file cannot be read as what its name says; the sentence names the line.
    """
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty; it should hold one JSON object per line, or a table")
    return list(islice(_READERS[kind(path)](path), limit))


def kind(path: Path) -> str | None:
    """The kind of file that the name says: ``jsonl``, ``json``, ``csv``, ``parquet``, or None."""
    suffix = path.name.removesuffix(".gz").rsplit(".", 1)[-1].lower()
    suffix = {"ndjson": "jsonl"}.get(suffix, suffix)
    return suffix if suffix in _READERS else None


def _text(path: Path) -> Iterator[str]:
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else path.open(encoding="utf-8-sig", newline="") as lines:
            for number, line in enumerate(lines, 1):  # noqa: B007
                yield line
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise InputError(f"{path} cannot be read beyond line {number} ({error}); write it again as UTF-8 text") from error


def _jsonl(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_text(path), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"line {number} of {path} is not JSON ({error}); each line must be one object") from error
            yield _object(row, f"line {number} of {path}")


def _json(path: Path) -> Iterator[dict[str, Any]]:
    whole = "".join(_text(path))
    try:
        value = json.loads(whole)
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON ({error}); if each line is an object, name it .jsonl") from error
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        value = value["data"]
    if not isinstance(value, list):
        raise InputError(f"{path} must hold a list of objects (or one under 'data'), and holds a {type(value).__name__}")
    for number, row in enumerate(value):
        yield _object(row, f"item {number} of {path}")


def _object(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise InputError(f"{where} is a {type(row).__name__}, and a row must be an object with columns")
    return row


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO("".join(_text(path)), newline=""))
    for number, row in enumerate(reader, 1):
        if None in row or None in row.values():
            raise InputError(f"row {number} of {path} has another number of fields than its header; quote fields that hold commas")
        yield {name: value if name in _TEXTS else _number(value) for name, value in row.items()}


def _number(value: str) -> Any:
    """A field of a table as the number or flag that it spells, or else as it is."""
    if value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    try:
        return int(value)
    except ValueError:
        try:
            return float(value)
        except ValueError:
            return value


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ModuleNotFoundError as error:
        raise InputError(f"reading {path} needs the extra 'data': install guerdon[data]") from error
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist()
    except ArrowInvalid as error:
        raise InputError(f"{path} is no Parquet file ({error})") from error


_READERS = {"jsonl": _jsonl, "json": _json, "csv": _csv, "parquet": _parquet}
