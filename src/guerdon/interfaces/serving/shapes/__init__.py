"""Shapes: request JSON → what is to be scored; scores → response JSON.

A file is how one kind of client asks, and is found by walking this folder. ``read`` gets the fields of the request's object and gives items; ``write`` gets the same fields
and what was found of each item, in their order.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Protocol

from guerdon.catalogue import part_of
from guerdon.interfaces.serving.items import Item
from guerdon.interfaces.serving.scoring import Found


class Shape(Protocol):
    """``paths``: where it is asked; ``served``: the name of the model."""

    paths: ClassVar[tuple[str, ...]]

    def read(self, asked: Mapping[str, Any]) -> list[Item]: ...

    def __call__(self, asked: Mapping[str, Any], found: Sequence[Found], served: str) -> Any: ...


@cache
def shapes() -> dict[str, Shape]:
    """Every shape, by the name of its file."""
    names = [info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")]
    return {name: part_of(importlib.import_module(f"{__name__}.{name}"))() for name in names}
