"""Systems: what a file of the atlas says of itself, and how the files are found. The tree is the list."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from guerdon.atlas._claims import Claim
from guerdon.catalogue import unknown
from guerdon.errors import InputError

ATLAS = Path(__file__).parent
READ = ("paper", "code", "paper and code", "abstract", "summary")
KINDS = ("method", "reward", "data", "evaluation", "study", "theory", "application", "survey")
SCALES = ("smoke", "full", "gpu")


@dataclass(frozen=True)
class System:
    """A published system.

    Attributes:
        title: of the paper.
        link: to it.
        kind: one of ``KINDS``.
        builds_on: what it needs, in words: names of parts, recipes or other systems.
        exact: the experiment does not depend on its seed (an enumerated world, no sampling), so one seed decides.
        read: what was read before it was written, one of ``READ``: the paper's text, its authors' code, or no more than an abstract or somebody's summary.
        untuned: why no arm has a setting to be tuned ("exact solutions"); empty where the file has a ``GRID``.
        note: what the reader of the verdict must know: what was left out, why it takes long.
        waits_for: what its paper's experiment needs and is not there yet, in words ("a control world"). What the file measures is then of its part alone, and the
            system counts as waiting, whatever came of that.
    """

    title: str
    link: str
    kind: str
    builds_on: tuple[str, ...] = ()
    exact: bool = False
    read: str = ""
    untuned: str = ""
    note: str = ""
    waits_for: str = ""

    def __post_init__(self) -> None:
        if self.read and self.read not in READ:
            raise InputError(unknown("source that was read", self.read, list(READ)))
        if self.kind not in KINDS:
            raise InputError(unknown("kind of system", self.kind, list(KINDS)))


@dataclass(frozen=True)
class Entry:
    """A file of the atlas. Its folder is the family, its name the slug; both with ``_`` for ``-``."""

    path: Path

    @property
    def slug(self) -> str:
        return self.path.stem.replace("_", "-")

    @property
    def family(self) -> str:
        return self.path.parent.name.replace("_", "-")

    @property
    def module_name(self) -> str:
        return f"guerdon.atlas.{self.path.parent.name}.{self.path.stem}"

    @property
    def module(self) -> ModuleType:
        return importlib.import_module(self.module_name)

    @property
    def system(self) -> System:
        return self.module.system

    @property
    def claim(self) -> Claim:
        return self.module.claim

    @property
    def grid(self) -> Mapping[str, Mapping[str, Any]]:
        """Arm → knob → the values to be tried; empty where nothing is tuned. The baseline comes first."""
        return getattr(self.module, "GRID", {})

    @property
    def helpers(self) -> tuple[Path, ...]:
        """Files besides those that are followed from this one on which what it measures depends."""
        return ()

    def count(self, of: str) -> int:
        """How many seeds the file asks for: at a scale, or to tune on."""
        counts = self.module.SEEDS
        if of not in counts:
            raise InputError(f"{self.slug} has no scale {of!r}; it has {', '.join(counts)}")
        return counts[of]

    def seeds(self, scale: str) -> range:
        """The seeds to explore on: always 0, 1, 2 ..."""
        return range(self.count(scale))

    def experiment(self, seed: int, scale: str, tuned: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
        """One seed of every arm: the file's own experiment, or else a trial of each arm at its setting."""
        own = getattr(self.module, "experiment", None)
        if own is not None:
            return own(seed, scale, tuned) if self.grid else own(seed, scale)
        return {arm: self.module.trial(arm, seed, scale, **tuned[arm]) for arm in self.grid}


def systems() -> tuple[Entry, ...]:
    """Every system, by family and slug."""
    return tuple(Entry(path) for path in sorted(ATLAS.glob("*/*.py")) if not path.name.startswith("_"))


def find(slug: str) -> Entry:
    """The system called ``slug``."""
    for entry in systems():
        if entry.slug == slug.replace("_", "-"):
            return entry
    raise InputError(unknown("system", slug, [entry.slug for entry in systems()]))
