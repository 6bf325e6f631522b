"""Whole configuration files of other trainers: what such a file says → the settings here that say the same.

One file per trainer, each with the value ``trainer``. ``write`` takes the names that mean something together (a method, a batch, a schedule) and gives dotted
places with values; names that it leaves go through the tables of single names (``_foreign``). Where their file is silent, their default is written wherever
ours is another. What cannot be said here is said to the reader, name by name, with ``Theirs.say``.

Sources: the documentation and reference configurations of each trainer.
"""

import fnmatch
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Settings = Iterator[tuple[str, Any]]


class Theirs:
    """The names of a file with their values, by dotted path; each is taken once.

    Attributes:
        left: what nobody has taken yet.
        said: by name, why it is not carried over.
    """

    def __init__(self, tree: Mapping[str, Any]):
        self.given = dict(_flat(tree))
        self.left = dict(self.given)
        self.said: dict[str, str] = {}

    def has(self, *names: str) -> bool:
        """Whether one of these is set."""
        return any(self.given.get(name) is not None for name in names)

    def take(self, *names: str, default: Any = None) -> Any:
        """The value of the first of these that is set, else the default. None of them is left."""
        found = [self.given[name] for name in names if self.given.get(name) is not None]
        for name in names:
            self.left.pop(name, None)
        return found[0] if found else default

    def drop(self, pattern: str) -> None:
        """Names that this trainer does not read where its other settings are as they are."""
        for name in fnmatch.filter(list(self.left), pattern):
            del self.left[name]

    def say(self, name: str, sentence: str) -> None:
        """Why ``name`` is not carried over, or what else there is to know of it."""
        self.left.pop(name, None)
        self.said[name] = sentence


@dataclass(frozen=True)
class Trainer:
    """A trainer whose files are read.

    Attributes:
        called: its name.
        known_by: whether a file is one of its.
        write: the settings here, by dotted place, in the order in which they are to be read.
        says: patterns of names and what is said of them.
    """

    called: str
    known_by: Callable[[Theirs], bool]
    write: Callable[[Theirs], Settings]
    says: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """What is said of a name; "" if nothing is."""
        return next((sentence for pattern, sentence in self.says.items() if fnmatch.fnmatch(name, pattern)), "")


@cache
def trainers() -> tuple[Trainer, ...]:
    """Every trainer whose files are read."""
    names = [info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")]
    return tuple(importlib.import_module(f"{__name__}.{name}").trainer for name in names)


def _flat(tree: Mapping[str, Any], place: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in tree.items():
        at = f"{place}.{key}" if place else str(key)
        if isinstance(value, Mapping) and value:
            yield from _flat(value, at)
        else:
            yield at, None if value == {} else value
