"""Sources: what a run was made from and its configuration only names: rows, weights, code. Kept with the run as digests, so that "going on" means it.

Rows and weights that are others are refused when a run is to go on, code that changed is said (``training.run``). A digest is of a sample where
there is much: it is there to notice a replaced file, not a forged one.
"""

import contextlib
import dataclasses
import functools
import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

import guerdon
from guerdon.models import Model
from guerdon.tasks.encoding import written_out
from guerdon.tasks.rows import LazyRows

ROWS = 20_000  # so many rows are looked at, evenly spread
MADE = 64  # of rows that are made as they are asked for
NUMBERS = 1024  # of each tensor


def sources(model: Model, rows: Mapping[str, Sequence[Any]], job: Any) -> dict[str, Any]:
    """Digests of the rows by what they are for, of the weights as they stand, and of the code outside of this library that the job refers to."""
    return {
        "rows": {name: {"count": len(some), "digest": of_rows(some)} for name, some in rows.items()},
        "model": of_weights(model),
        "code": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(set(files_of(job)))},
    }


def compared(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[list[tuple[str, str]], list[str]]:
    """What differs between two such records: rows and weights, each with a sentence, and sentences on what may differ. What either does not know of is not
    compared."""
    different = []
    was, is_now = before.get("rows") or {}, now.get("rows") or {}
    for name in sorted(was.keys() & is_now.keys()):
        if was[name] != is_now[name]:
            counts = was[name]["count"], is_now[name]["count"]
            more = (
                f"{counts[1]} where there were {counts[0]}"
                if counts[0] != counts[1]
                else f"as many as before ({counts[0]}), with other contents"
            )
            different.append(("rows", f"{name}: {more}"))
    if before.get("model") and now.get("model") and before["model"] != now["model"]:
        different.append(("model", "the model has other weights, or another tokenizer, than when the run was begun"))
    old, new = before.get("code") or {}, now.get("code") or {}
    edited = sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
    said = (
        [f"going on with other code than the run was begun with ({', '.join(edited)}): what was done before was done by the old one"]
        if edited
        else []
    )
    return different, said


def of_rows(rows: Sequence[Any]) -> str:
    """A digest of the rows in their order."""
    digest = hashlib.sha256(str(len(rows)).encode())
    step = max(len(rows) // (MADE if isinstance(rows, LazyRows) else ROWS), 1)
    for index in range(0, len(rows), step):
        digest.update(json.dumps(rows[index], sort_keys=True, default=_plain).encode())
    return digest.hexdigest()


def of_weights(model: Model) -> str:
    """A digest of the names, the shapes and a sample of each parameter, and of the tokenizer. Frozen weights count in bfloat16: another machine may compute in another format."""
    digest = hashlib.sha256()
    for name, parameter in sorted(model.module.named_parameters()):
        digest.update(f"{name} {tuple(parameter.shape)}".encode())
        flat = parameter.detach().reshape(-1)
        sample = flat[:: max(len(flat) // NUMBERS, 1)].cpu()
        sample = sample.float() if parameter.requires_grad else sample.to(torch.bfloat16)
        digest.update(sample.contiguous().view(torch.uint8).numpy().tobytes())
    digest.update(written_out(getattr(model, "tokenizer", None)))
    return digest.hexdigest()


def of_named(thing: Any) -> str:
    """A digest of what lies behind the names in a specification: the rows of its tasks, the files that models come from (``source``) as far as their sizes,
    beginnings and ends tell, and code of the user's own."""
    digest = hashlib.sha256()
    for value in _within(thing):
        if callable(getattr(value, "train", None)) and callable(getattr(value, "test", None)):
            digest.update((of_rows(value.train()) + of_rows(value.test())).encode())
        elif isinstance(source := getattr(value, "source", None), str) and source:
            path = Path(source).expanduser()
            with contextlib.suppress(OSError):  # a name on a hub, perhaps
                for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                    if file.is_file():
                        digest.update(f"{file.name} {file.stat().st_size}".encode() + _ends_of(file))
    for file in sorted(set(files_of(thing))):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _within(thing: Any) -> Iterator[Any]:
    """A specification and everything in it."""
    yield thing
    inside: Any = ()
    if isinstance(thing, Mapping):
        inside = thing.values()
    elif isinstance(thing, list | tuple):
        inside = thing[:MADE]
    elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        inside = [getattr(thing, field.name) for field in dataclasses.fields(thing)]
    for value in inside:
        yield from _within(value)


def _ends_of(file: Path) -> bytes:
    with file.open("rb") as opened:
        start = opened.read(65536)
        opened.seek(max(file.stat().st_size - 65536, 0))
        return start + opened.read()


def files_of(thing: Any) -> Iterator[Path]:
    """The files of everything in a specification that is not from a package: functions and parts of the user's own."""
    thing = getattr(thing, "stands_for", thing)
    if isinstance(thing, Mapping):
        for value in thing.values():
            yield from files_of(value)
    elif isinstance(thing, list | tuple):
        for value in thing[:MADE]:
            yield from files_of(value)
    elif isinstance(thing, str):
        file = Path(thing.rpartition(":")[0])
        if file.suffix == ".py" and file.is_file():  # as a reward is named: file.py:function
            yield file
    elif isinstance(thing, functools.partial):
        yield from files_of(thing.func)
    elif thing is not None and not isinstance(thing, int | float | bool | torch.Tensor):
        own = inspect.unwrap(thing) if inspect.isroutine(thing) else type(thing)
        yield from _own_file(own)
        for value in list(vars(thing).values()) if hasattr(thing, "__dict__") and not inspect.isroutine(thing) else []:
            if dataclasses.is_dataclass(thing) or callable(value):
                yield from files_of(value)


def _own_file(thing: Any) -> Iterator[Path]:
    try:
        file = Path(inspect.getsourcefile(thing) or "")
    except TypeError:  # it is built in
        return
    installed = {"site-packages", "dist-packages"} & set(file.parts) or file.is_relative_to(Path(json.__file__).parent.parent)
    if file.is_file() and not installed and not file.is_relative_to(Path(guerdon.__file__).parent):
        yield file


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.tolist()
    text = repr(value)
    return type(value).__name__ if " at 0x" in text else text
