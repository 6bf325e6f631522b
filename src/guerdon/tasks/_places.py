"""Places that rows come from: files, patterns of names, folders, datasets saved by ``datasets``, the hub, and objects of Python."""

import glob
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks import _files
from guerdon.tasks._files.arrow import without_nulls
from guerdon.tasks._objects import Given
from guerdon.tasks.rows import Row

_SAVED = ("dataset_dict.json", "state.json")  # what ``save_to_disk`` leaves beside the rows


def load(
    path: Any, name: str | None, split: str, texts: Collection[str] = (), optional: bool = False, first: int | None = None
) -> list[tuple[str, Sequence[Row]]]:
    """The rows of one split, by where they stood (a file, or the dataset).

    Args:
        texts: columns of tables that hold text even where it looks like a number.
        optional: none are to be had is no error.
        first: only so many rows, without reading or downloading the rest where the kind of place can.

    Raises:
        InputError: there are none, or they cannot be read.
    """
    if isinstance(path, Given):
        return [(str(path), path.rows(split, optional))]
    if not isinstance(path, str):
        return [found for one in path for found in load(one, name, split, texts, optional, first)]
    place = _place(path)
    files = _matching(path, place)
    if files is None and place.is_dir():
        if any((place / saved).exists() for saved in _SAVED):
            return [(path, _saved(place, split, optional)[:first])]
        files = _of_folder(place, path, split, optional)
    if files is not None:
        return list(_read(files, texts, first))
    if _files.kind(place) or path.count("/") > 1 or path.startswith((".", "~", "/")):
        beside = [f.name for f in place.parent.iterdir() if f.is_dir() or _files.kind(f)] if place.parent.is_dir() else []
        near = get_close_matches(place.name, beside, n=1, cutoff=0.5)
        raise InputError(
            f"there is no file or folder {path}" + (f"; did you mean {place.parent / near[0]}?" if near else "; check the path")
        )
    return [(path, _from_hub(path, name, split, optional, first))]


def _read(files: Sequence[Path], texts: Collection[str], first: int | None) -> Iterator[tuple[str, Sequence[Row]]]:
    """Files with their rows, as many as are wanted of all of them together."""
    for file in files:
        if first == 0:
            return
        rows = _files.read(file, texts) if first is None else list(islice(_files.rows(file, texts), first))
        first = None if first is None else first - len(rows)
        yield str(file), rows


def is_file(path: Any) -> bool:
    """Whether the path names files, which have no splits."""
    if not isinstance(path, str):
        return not isinstance(path, Given) and all(map(is_file, path))
    return _matching(path, _place(path)) is not None


def _place(path: str) -> Path:
    """Where a name points here, if it can.

    Raises:
        InputError: it is empty, an address, or no name that a file can have; or what is there cannot be read twice, as rows have to be.
    """
    if not path.strip():
        raise InputError("the path of the rows is empty; name a file, a folder or a dataset")
    if "://" in path:
        raise InputError(
            f"{path} is an address, and rows are read from files: download it and name the file, or name a dataset of the hub (owner/name)"
        )
    place = Path(path).expanduser()
    try:
        there, real = os.path.lexists(place), place.exists()
        special = real and not place.is_file() and not place.is_dir()
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path[:40]!r}{' ...' if len(path) > 40 else ''} can be no name of a file ({getattr(error, 'strerror', error)})"
        ) from error
    if there and not real:
        raise InputError(f"{path} is a link to what is not there; mend the link, or name the file itself")
    if special:
        raise InputError(f"{path} is a pipe or a device, and rows are read more than once; write them into a file")
    return place


def _matching(path: str, place: Path) -> list[Path] | None:
    """The file of that name, or those that a pattern matches; None: the path is neither."""
    if place.is_file():
        if _files.kind(place) is None:
            raise InputError(f"{path} is none of the files that can be read ({_files.known()}); {_files.otherwise(place)}")
        return [place]
    if place.is_dir() or not glob.has_magic(path):
        return None
    met = {Path(f).resolve(): Path(f) for f in sorted(glob.glob(str(place), recursive=True), reverse=True) if Path(f).is_file()}
    found = sorted(met.values())  # each once, however many links lead there
    own = [f for f in found if _files.kind(f)]
    if not own:
        there = f"matches only {', '.join(f.name for f in found[:4])}" if found else "matches no file"
        raise InputError(f"{path} {there}; it should match files that can be read ({_files.known()})")
    return own


def _of_folder(place: Path, path: str, split: str, optional: bool) -> list[Path]:
    every = ((f, f.relative_to(place).parts) for f in place.rglob("*"))
    found = sorted(f for f, parts in every if not any(part.startswith(".") for part in parts) and f.is_file() and _files.kind(f))
    named = [f for f in found if any(part.startswith(split) for part in {f.relative_to(place).parts[0], f.name})]
    word = re.compile(rf"{re.escape(split)}(?![a-zA-Z])")  # train.jsonl and train-00001, rather than trainer_state.json
    own = [f for f in named if any(map(word.match, {f.relative_to(place).parts[0], f.name}))] or named
    if not own and not optional:
        names = ", ".join(str(f.relative_to(place)) for f in found[:8]) or "no file that can be read"
        raise InputError(f"no file in {path} begins with {split!r} (there: {names}); name the file itself, or set split")
    return own


def _saved(place: Path, split: str, optional: bool) -> Sequence[Row]:
    datasets = _library(str(place))
    try:
        loaded = datasets.load_from_disk(str(place))
    except Exception as error:  # damaged files, unknown features: datasets raises a dozen kinds
        raise InputError(f"{place} was saved by datasets and cannot be loaded again: {_reason(error)}") from error
    return Given(loaded, str(place)).rows(split, optional)


def _from_hub(path: str, name: str | None, split: str, optional: bool, first: int | None) -> list[Row]:
    datasets = _library(path)
    try:
        if optional and split not in datasets.get_dataset_split_names(path, name):
            return []
        if first is not None:
            return [without_nulls(row) for row in islice(_streamed(datasets, path, name, split), first)]
        return list(map(without_nulls, datasets.load_dataset(path, name, split=split).to_list()))
    except Exception as error:  # network, permissions, unknown names: datasets raises a dozen kinds
        raise InputError(
            f"{path!r} is neither a file nor a folder here, and the hub does not give its split {split!r}: {_reason(error)}"
        ) from error


def _streamed(datasets: Any, path: str, name: str | None, split: str) -> Iterator[Mapping[str, Any]]:
    yield from datasets.load_dataset(path, name, split=split, streaming=True)


def _library(path: str) -> Any:
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise InputError(f"{path} is no file, and reading it needs the extra 'data': install guerdon[data]") from error
    return datasets


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
