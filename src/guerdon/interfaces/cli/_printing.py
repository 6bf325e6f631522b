"""What commands print."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console

console = Console(highlight=False)


def as_json(value: Any) -> None:
    """A result that a program reads, on standard output."""
    print(json.dumps(value, indent=2, default=_plain, allow_nan=True))


def figure(value: float) -> str:
    """A number as a person reads it."""
    return f"{value:.4g}"


def figures(before: Mapping[str, float], after: Mapping[str, float]) -> None:
    """A table of figures before and after."""
    from rich.table import Table

    table = Table("", "before", "after", box=None, pad_edge=False)
    for name in dict.fromkeys([*before, *after]):
        table.add_row(name, *(figure(side[name]) if name in side else "" for side in (before, after)))
    console.print(table)


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)
