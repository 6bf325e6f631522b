"""Doubts: what makes somebody who knows the trade look twice before a run is started.

A file of this folder is one idea: a function ``look(prepared, looked)`` that yields a ``Doubt`` for what it finds, with the row that shows it best. The
folder is walked; nothing else has to be changed to add one. What cannot work at all is no doubt: it is refused.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guerdon.interfaces.check.looking import Looked
    from guerdon.interfaces.preparing import Prepared


@dataclass(frozen=True)
class Doubt:
    """Something doubtful.

    Attributes:
        said: one sentence: what it is, where, and what to do.
        row: the training row that shows it best, whose tokens are printed; None: no row does.
    """

    said: str
    row: int | None = None


def every() -> list[ModuleType]:
    """The files of this folder, in the order of their names."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    return [importlib.import_module(f"{__name__}.{name}") for name in names]


def all_of(prepared: "Prepared", looked: "Looked") -> Iterator[Doubt]:
    """Every doubt there is about a loop."""
    for module in every():
        yield from module.look(prepared, looked)
