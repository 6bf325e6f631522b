"""What commands print."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.text import Text

console = Console(highlight=False)


def as_json(value: Any) -> None:
    """A result that a program reads, on standard output."""
    print(json.dumps(value, indent=2, default=_plain, allow_nan=True))


def figure(value: float) -> str:
    """A number as a person reads it."""
    return f"{value:.4g}"


@dataclass(frozen=True)
class Name:
    """The name of a setting, a run or a metric in a table. Where it has no room it goes on in the next line, after a dot, a comma or a slash: what tells one
    name from the next is mostly its end, which a name that is cut off has lost.
    """

    name: str

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(max(map(len, self._pieces())), len(self.name)).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        lines, width = [""], max(options.max_width, 1)
        for piece in self._pieces():
            if lines[-1] and len(lines[-1]) + len(piece) > width:
                lines.append("")
            lines[-1] += piece
            while len(lines[-1]) > width:
                lines[-1:] = [lines[-1][:width], lines[-1][width:]]
        yield Text("\n".join(lines), no_wrap=True)

    def _pieces(self) -> list[str]:
        return re.split(r"(?<=[.,/ ])(?!\d)", self.name)


def figures(before: Mapping[str, float], after: Mapping[str, float]) -> None:
    """A table of figures before and after."""
    from rich.table import Table

    table = Table("", "before", "after", box=None, pad_edge=False)
    for name in dict.fromkeys([*before, *after]):
        table.add_row(Name(name), *(figure(side[name]) if name in side else "" for side in (before, after)))
    console.print(table)


def asides(found: Mapping[str, Any]) -> None:
    """What was noticed, and what was left out and why, where no result is printed."""
    for note in found["notes"]:
        typer.echo(note, err=True)
    for reason, count in found["left_out"].items():
        typer.echo(f"{count} left out: {reason}", err=True)


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)
