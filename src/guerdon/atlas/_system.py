"""Systems: what a file of the atlas says of itself, and how the files are found. The tree is the list."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from guerdon.atlas._claims import Claim
from guerdon.catalogue import unknown
from guerdon.errors import InputError

ATLAS = Path(__file__).parent
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
        note: what the reader of the verdict must know: what was left out, why it takes long.
    """

    title: str
    link: str
    kind: str
    builds_on: tuple[str, ...] = ()
    exact: bool = False
    note: str = ""

    def __post_init__(self) -> None:
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

    def seeds(self, scale: str) -> range:
        """The seeds of a scale: always 0, 1, 2 ..., so that none can be picked."""
        counts = self.module.SEEDS
        if scale not in counts:
            raise InputError(f"{self.slug} has no scale {scale!r}; it has {', '.join(counts)}")
        return range(counts[scale])


def systems() -> tuple[Entry, ...]:
    """Every system, by family and slug."""
    return tuple(Entry(path) for path in sorted(ATLAS.glob("*/*.py")) if not path.name.startswith("_"))


def find(slug: str) -> Entry:
    """The system called ``slug``."""
    for entry in systems():
        if entry.slug == slug.replace("_", "-"):
            return entry
    raise InputError(unknown("system", slug, [entry.slug for entry in systems()]))
