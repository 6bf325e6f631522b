"""Arrow's tables: Parquet, and the file and stream formats of Arrow itself (``.arrow``, ``.feather``), in which ``datasets`` keeps its rows.

A column of structs has one schema, so that every tool call has the arguments of every tool, null where they do not belong. Inside of messages, tools and
template variables a key without a value is therefore left out (``without_nulls``).
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks._files._opening import is_compressed, refuse_others, uncompressed

suffixes = ("parquet", "arrow", "feather")

_STRUCTS = ("tools", "chat_template_kwargs")
_SPOKEN = ({"role"}, {"from", "value"})  # what a message has, in the common shape and in ShareGPT's
_TOOL = ({"function", "type"}, {"name", "parameters"})


def rows(path: Path, texts: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    with _told(path):
        row = 0
        for batch in _batches(path):
            some = _plain(batch, path, row)
            yield from map(without_nulls, some)
            row += len(some)


def without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    """The row without the keys that have no value inside of its messages, tools and template variables."""
    return {name: _filled(value) if name in _STRUCTS or _is_spoken(value) else value for name, value in row.items()}


def _is_spoken(value: Any) -> bool:
    some = value[0] if isinstance(value, list) and value else value
    if isinstance(some, list):  # several conversations: the completions of a ranking
        return _is_spoken(some)
    return isinstance(some, dict) and any(names <= some.keys() for names in (*_SPOKEN, *_TOOL))


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _filled(v) for k, v in value.items() if v is not None}
    return [_filled(v) for v in value] if isinstance(value, list) else value


def _batches(path: Path) -> Iterator[Any]:
    import pyarrow
    from pyarrow import ipc, parquet

    with _source(path) as source:
        head = source.read(6)
        source.seek(0)
        if head[:4] == b"PAR1":
            file = parquet.ParquetFile(source)
            schema, batches = file.schema_arrow, file.iter_batches()
        elif head == b"ARROW1":
            file = ipc.open_file(source)
            schema, batches = file.schema, (file.get_batch(i) for i in range(file.num_record_batches))
        else:
            refuse_others(path, source.read(512))
            source.seek(0)
            file = ipc.open_stream(source)
            schema, batches = file.schema, file
        twice = next((name for name in schema.names if schema.names.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"{path} has two columns {twice!r}; rename one of them")
        if b'"_type": "Json"' in (schema.metadata or {}).get(b"huggingface", b""):  # columns of several types, which only datasets can read
            batches = _decoded(pyarrow.Table.from_batches(batches, schema))
        yield from batches


@contextmanager
def _source(path: Path) -> Iterator[Any]:
    import pyarrow

    if is_compressed(path):
        with uncompressed(path) as stream:
            yield pyarrow.BufferReader(stream.read())
    else:
        with pyarrow.memory_map(str(path)) as source:
            yield source


def _decoded(table: Any) -> Iterator[list[dict[str, Any]]]:
    from datasets import Dataset

    yield Dataset(table).to_list()


def _plain(batch: Any, path: Path, first: int) -> list[dict[str, Any]]:
    """A batch as rows; ``first`` is the number of its first."""
    if isinstance(batch, list):
        return batch
    try:
        batch.validate(full=True)  # a damaged buffer would bring the process down
        return batch.to_pylist(maps_as_pydicts="strict")
    except (KeyError, ValueError, OverflowError) as error:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            row, said = _broken(column)
            if said:
                where = f"row {first + row} of {path} (the first is row 0)" if row is not None else f"{path} is damaged or cut short: it"
                raise InputError(f"{where} cannot be read in column {name!r} ({said}); mend it, or write the file again") from error
        raise


def _broken(column: Any) -> tuple[int | None, str]:
    """The first value that cannot be read, as far as that can be told, and why; nothing if all can."""
    try:
        column.validate(full=True)
    except ValueError as error:
        if "UTF8" not in str(error):
            return None, str(error)
    for index in range(len(column)):
        try:
            column[index].as_py(maps_as_pydicts="strict")
        except (KeyError, ValueError, OverflowError) as error:
            return index, str(error)
    return None, ""


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what Arrow says of a file into a sentence."""
    try:
        from pyarrow import ArrowException
    except ModuleNotFoundError as error:
        raise InputError(f"reading {path} needs the extra 'data': install guerdon[data]") from error
    try:
        yield
    except InputError:
        raise
    except (ArrowException, KeyError, OSError, ValueError, OverflowError) as error:
        said = str(error).strip().splitlines()
        raise InputError(
            f"{path} is no Parquet or Arrow file, or is damaged or cut short ({said[0] if said else type(error).__name__}); write it again"
        ) from error
