"""The catalogue: every part there is, found by walking the package.

The tests, the documentation and the command line read it. Training never does: it resolves a part by import
(``resolve("credit.advantages.group_centred")``), so a part that is not used is not imported.
"""

import dataclasses
import difflib
import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from guerdon.witness import Limit, Witness

FLOORS = ("acting", "credit", "data", "evaluation", "exact", "feedback", "losses", "models", "tasks", "training", "worlds")


@dataclass(frozen=True)
class Entry:
    """One part of the house: where it lives, its class, and how it shows what it is."""

    room: str  # "credit.advantages"
    name: str  # "group_centred"
    part: type
    module: ModuleType

    @property
    def path(self) -> str:
        return f"{self.room}.{self.name}"

    @property
    def doc(self) -> str:
        return self.module.__doc__ or ""

    @property
    def summary(self) -> str:
        return self.doc.strip().splitlines()[0] if self.doc.strip() else ""

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(getattr(self.module, "tags", ()))

    @property
    def witnesses(self) -> tuple[Witness, ...]:
        found = getattr(self.module, "witness", ())
        return (found,) if isinstance(found, Witness) else tuple(found)

    @property
    def limits(self) -> tuple[Limit, ...]:
        return tuple(getattr(self.module, "limits", ()))


@cache
def catalogue() -> tuple[Entry, ...]:
    """Every part, in the order of rooms and names."""
    entries = []
    for floor in FLOORS:
        package = importlib.import_module(f"guerdon.{floor}")
        for info in pkgutil.walk_packages(package.__path__, f"guerdon.{floor}."):
            if info.ispkg or info.name.rsplit(".", 1)[1].startswith("_"):
                continue
            module = importlib.import_module(info.name)
            part = part_of(module)
            if part is not None:
                room, name = info.name.removeprefix("guerdon.").rsplit(".", 1)
                entries.append(Entry(room, name, part, module))
    return tuple(sorted(entries, key=lambda entry: entry.path))


def part_of(module: ModuleType) -> type | None:
    """The part that a file holds: the frozen dataclass defined in it whose name is the file's, or None.

    ``group_centred.py`` holds ``GroupCentred``; the match ignores case and underscores, so ``gae.py`` holds ``GAE``.
    """
    wanted = module.__name__.rsplit(".", 1)[1].replace("_", "").lower()
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == module.__name__ and value.__name__.lower() == wanted:
            return value if dataclasses.is_dataclass(value) and _does_something(value) else None
    return None


def _does_something(part: type) -> bool:
    """A part is called, built, or gives rows; a record that merely holds values (a recipe) is none."""
    return "__call__" in vars(part) or any(
        hasattr(part, name) for name in ("build", "bind", "wrap", "train", "tables", "payoff", "preference")
    )


def rooms() -> dict[str, ModuleType]:
    """Every room that has a part in it, with the package that states its signature."""
    return {entry.room: importlib.import_module(f"guerdon.{entry.room}") for entry in catalogue()}


def resolve(name: str, *search: str) -> type:
    """Import the part called ``name``, looking into each room of ``search``.

    Raises:
        LookupError: no such part; the message offers the nearest names.
    """
    for room in search:
        path = f"guerdon.{room}.{name}"
        try:
            module = importlib.import_module(path)
        except ModuleNotFoundError as error:
            if error.name is None or not path.startswith(error.name):
                raise
            continue
        part = part_of(module)
        if part is not None:
            return part
    raise LookupError(unknown("part", name, [n for room in search for n in parts_in(room)]) + f" (looked in {', '.join(search)})")


def names_in(room: str) -> list[str]:
    """The names of the files of a room, without importing them."""
    package = importlib.import_module(f"guerdon.{room}")
    return [info.name for info in pkgutil.iter_modules(package.__path__) if not info.ispkg and not info.name.startswith("_")]


def parts_in(room: str) -> list[str]:
    """The names of the parts of a room. Its files are imported, for one that only helps others looks like a part from outside."""
    return [name for name in names_in(room) if part_of(importlib.import_module(f"guerdon.{room}.{name}")) is not None]


def near_names(name: str, known: list[str]) -> list[str]:
    """The names that look like it, the nearest first."""
    return difflib.get_close_matches(name, known, n=3, cutoff=0.5)


def unknown(what: str, name: str, known: list[str]) -> str:
    """The sentence for a name that does not exist, offering the nearest ones that do."""
    near = near_names(name, known)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(sorted(known))}"
    return f"unknown {what} {name!r}: {hint}"
