"""Runs: which folders there are to look at, and by what names."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guerdon.errors import InputError

LINES = ("metrics.jsonl", "completions.jsonl")
PIECES = ("configuration.json", *LINES)
DEEP = 2  # a folder of runs, whose stages have folders of their own


@dataclass(frozen=True)
class Place:
    """A run, or a stage of one: the name by which the page calls it, and where it lies."""

    name: str
    folder: Path

    def configuration(self) -> Any:
        """What was asked for; None where that cannot be read (yet)."""
        try:
            return json.loads((self.folder / "configuration.json").read_text(errors="replace"))
        except (OSError, ValueError):
            return None


def runs(folders: Sequence[Path]) -> list[Place]:
    """Every run in the folders: themselves, the stages of a pipeline, or the runs that lie in one.

    Raises:
        InputError: a folder is none, or holds no run.
    """
    found: list[Place] = []
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"there is no folder {folder}; give the folder that a run was written to")
        own = _within(folder, folder.resolve().name, DEEP)
        if not own:
            raise InputError(f"{folder} holds no run (none of {', '.join(PIECES)}); give the folder that a run was written to")
        found += [place for place in own if place.folder.resolve() not in {other.folder.resolve() for other in found}]
    return [Place(name, place.folder) for name, place in zip(_distinct(found), found, strict=True)]


def _within(folder: Path, name: str, deep: int) -> list[Place]:
    below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")) if deep else []
    stages = [place for path in below for place in _within(path, f"{name}/{path.name}", deep - 1)]
    logs = any((folder / piece).exists() for piece in LINES)
    begun = logs or (not stages and any((folder / piece).exists() for piece in PIECES))
    return [*([Place(name, folder)] if begun else []), *stages]


def _distinct(places: Sequence[Place]) -> list[str]:
    """The names, with as much of the path before them as tells them apart; a number where nothing does."""
    names = [place.name for place in places]
    for i, place in enumerate(places):
        above = list(place.folder.resolve().parents)[place.name.count("/") :]
        for parent in above:
            if names.count(names[i]) == 1 or not parent.name:
                break
            names[i] = f"{parent.name}/{names[i]}"
        if names.count(names[i]) > 1:
            names[i] = f"{names[i]} ({i + 1})"
    return names


def different(configurations: Sequence[Any]) -> list[tuple[str, list[str]]]:
    """The settings in which the runs differ: where, and the value of each; "" where it has none."""
    flat = [dict(_flat("", configuration)) for configuration in configurations]
    keys = dict.fromkeys(key for own in flat for key in own)
    rows = [(key, [own.get(key, "") for own in flat]) for key in keys if key != "run"]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _flat(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [pair for key, own in value.items() for pair in _flat(f"{prefix}.{key}" if prefix else str(key), own)]
    if isinstance(value, list) and any(isinstance(own, dict) for own in value):
        return [pair for i, own in enumerate(value) for pair in _flat(f"{prefix}.{i}", own)]
    return [(prefix, value if isinstance(value, str) else json.dumps(value))] if prefix else []
