"""Arms: which runs are the same but for their seeds, and in what the others differ."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.configuration import _yaml
from guerdon.interfaces.report.reading import Record, read

NOWHERE = ("run", "folder")  # where a run lies is no part of what it does


@dataclass(frozen=True)
class Arm:
    """Runs with one configuration and different seeds."""

    label: str
    records: tuple[Record, ...]
    settings: Mapping[str, Any]  # by dotted place, without seeds

    @property
    def seeds(self) -> tuple[Any, ...]:
        """The seed of each run, None where it is not known."""
        return tuple(seed_of(record) for record in self.records)


def gather(folders: Sequence[Path | str], labels: Sequence[str] = ()) -> list[Arm]:
    """The arms of some runs, in the order in which their first runs are named. Of a pipeline's run the last stage counts.

    Args:
        labels: what each run's arm is called; by default the run's folder.

    Raises:
        InputError: there is no run in a folder, or one is given twice.
    """
    places = [Path(folder) for folder in folders]
    twice = next((place for i, place in enumerate(places) if place.resolve() in {p.resolve() for p in places[:i]}), None)
    if twice is not None:
        raise InputError(f"{twice} is given twice; give different runs")
    records = [read(place)[-1] for place in places]
    names = list(labels) or _names(places)
    arms: dict[tuple[str, int], list[int]] = {}  # a seed that comes again begins another arm
    settings = [flat(configuration_of(record)) for record in records]
    for i, found in enumerate(settings):
        own = _without_seeds(found)
        seed = seed_of(records[i])
        same = json.dumps(own, sort_keys=True, default=str)
        key = next(k for k in itertools.count() if seed not in [seed_of(records[j]) for j in arms.get((same, k), [])])
        arms.setdefault((same, key) if own and seed is not None else ("", -i), []).append(i)
    out = []
    for rows in arms.values():
        out.append(Arm(_called([names[i] for i in rows]), tuple(records[i] for i in rows), _without_seeds(settings[rows[0]])))
    return out


def differences(arms: Sequence[Arm]) -> dict[str, list[Any]]:
    """The dotted places in which the arms' configurations differ, with the value of each arm (None where it has none)."""
    places = list(dict.fromkeys(place for arm in arms for place in arm.settings))
    found = {place: [arm.settings.get(place) for arm in arms] for place in places}
    return {place: values for place, values in found.items() if any(value != values[0] for value in values)}


def configuration_of(record: Record) -> Any:
    """What a run was made from: its file where there is one, which is what a person wrote, else what was recorded."""
    path = record.folder / "configuration.yaml"
    try:
        return _yaml.read(path) if path.is_file() else record.configuration
    except InputError:
        return record.configuration


def seed_of(record: Record) -> Any:
    """The seed of a run, or None."""
    found = flat(configuration_of(record))
    return found.get("budget.seed", found.get("seed"))


def _without_seeds(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The run's own seed, and those of the model's and the task's parts, which a common ``seed=`` sets too."""
    return {place: value for place, value in settings.items() if place.rpartition(".")[2] != "seed"}


def flat(tree: Any, place: str = "") -> dict[str, Any]:
    """The leaves of a tree by their dotted places."""
    if isinstance(tree, Mapping) and (tree or not place):
        pairs = [(f"{place}.{key}" if place else str(key), value) for key, value in tree.items() if place or key not in NOWHERE]
    elif isinstance(tree, list) and tree:
        pairs = [(f"{place}.{i}", value) for i, value in enumerate(tree)]
    else:
        return {place: tree} if place else {}
    return {at: value for name, inner in pairs for at, value in flat(inner, name).items()}


def _names(places: Sequence[Path]) -> list[str]:
    """The folders' names, with as much of the path as tells them apart."""
    parts = [place.resolve().parts for place in places]
    depth = 1
    while len({p[-depth:] for p in parts}) < len(parts):
        depth += 1
    return ["/".join(p[-depth:]) for p in parts]


def _called(names: Sequence[str]) -> str:
    """One name for runs that differ in their seeds: what their names have in common."""
    if len(set(names)) == 1:
        return names[0]
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    common = "".join(letters[0] for letters in alike).rstrip("0123456789")
    common = common.removesuffix("seed=").rstrip("-_.,=/ ").removesuffix("seed").rstrip("-_.,=/ ")
    return common or names[0]
