"""Rows into a file: JSON lines, CSV or TSV, Parquet or Arrow, by the end of its name; text also compressed by gzip.

The file appears when it is whole; what was there stays until then.
"""

import csv
import gzip
import io
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from guerdon.errors import InputError

ENDS = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".arrow")


def write(path: Path, rows: Sequence[Mapping[str, Any]], otherwise: str = "") -> None:
    """Write rows.

    Args:
        otherwise: the kind of file that is written where the name says none.

    Raises:
        InputError: the name says no kind that is written, or one that cannot hold these rows, or the place cannot be written to.
    """
    if not otherwise:
        refuse_name(path)
    end = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    data = _WRITERS[end if end in _WRITERS else otherwise](path, rows)
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(gzip.compress(data, 6, mtime=0) if path.name.lower().endswith(".gz") else data)
        os.replace(beside, path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise InputError(f"{path} cannot be written ({error.strerror}); give another place") from error


def refuse_name(path: Path) -> None:
    """Refuse a name that says no kind of file that is written."""
    if not path.name.lower().removesuffix(".gz").endswith(ENDS):
        raise InputError(f"{path} should end in one of {', '.join(ENDS)} (or with .gz after it)")


def _lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows).encode(errors="surrogatepass")


def _list(path: Path, rows: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps(list(rows), ensure_ascii=False, default=str, indent=1).encode(errors="surrogatepass")


def _table(delimiter: str) -> Any:
    def written(path: Path, rows: Sequence[Mapping[str, Any]]) -> bytes:
        nested = next(((i, name) for i, row in enumerate(rows) for name, value in row.items() if isinstance(value, list | dict)), None)
        if nested is not None:
            raise InputError(
                f"row {nested[0]} (the first is row 0) holds a list or an object in column {nested[1]!r}, which {path.name} cannot; write .jsonl or .parquet"
            )
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue().encode()

    return written


def _columns(path: Path, rows: Sequence[Mapping[str, Any]]) -> bytes:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise InputError(f"writing {path} needs the extra 'data': install guerdon[data]") from error
    arrays = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        try:
            arrays[name] = pyarrow.array([row.get(name) for row in rows])
        except (pyarrow.ArrowException, OverflowError, ValueError, TypeError) as error:
            said = str(error).splitlines()[0]
            raise InputError(f"column {name!r} cannot be written to {path.name} ({said}); give it one type, or write .jsonl") from error
    table, out = pyarrow.table(arrays), io.BytesIO()
    if path.name.lower().removesuffix(".gz").endswith(".parquet"):
        parquet.write_table(table, out)
    else:
        with pyarrow.ipc.new_file(out, table.schema) as writer:
            writer.write_table(table)
    return out.getvalue()


_WRITERS = {"jsonl": _lines, "json": _list, "csv": _table(","), "tsv": _table("\t"), "parquet": _columns, "arrow": _columns}
