"""How the systems of the atlas stand: the families at a glance, or every system with its claims."""

from collections.abc import Sequence

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from guerdon.atlas._status import Row
from guerdon.interfaces.cli._printing import console

STATES = ("confirmed", "changed since", "not confirmed", "waiting")
BROKEN = "fails"


def by_family(rows: Sequence[Row]) -> None:
    """How many systems of each family are in which state; by name, those that wait and those that do not run."""
    families = list(dict.fromkeys(row.family for row in rows))
    table = Table(box=None, pad_edge=False)
    table.add_column("family", no_wrap=True)
    for name in ("systems", *STATES, BROKEN):
        table.add_column(name, justify="right")
    for family in (*families, None):
        own = [_state(row) for row in rows if family in (row.family, None)]
        table.add_row(family or "all", str(len(own)), *(str(own.count(state) or "") for state in (*STATES, BROKEN)))
    console.print(table)
    _named(
        "Waiting, with what could be tried of each meanwhile", [(row, f"for {row.waits_for}") for row in rows if _state(row) == "waiting"]
    )
    _named("Does not run", [(row, row.problem) for row in rows if _state(row) == BROKEN])
    for state in ("changed since", "not confirmed"):
        if names := [row.slug for row in rows if _state(row) == state]:
            console.print(f"\n{state.capitalize()}: {', '.join(names)}")
    console.print("\nSystem by system: guerdon atlas status --family FAMILY")


def one_by_one(rows: Sequence[Row]) -> None:
    """Every system with its state, its verdict, and what each of its claims came to."""
    for row in rows:
        drawn = f": {row.verdict}, {row.seeds} seeds, {row.date}" if row.verdict else ""
        waits = f" for {row.waits_for}" if row.waits_for else f" ({row.problem})" if row.problem else ""
        console.print(f"[bold]{row.slug}[/bold] {escape(_state(row) + waits + drawn)}")
        for leaf in row.leaves:
            console.print(Padding(escape(leaf), (0, 0, 0, 2)))


def _named(title: str, rows: Sequence[tuple[Row, str]]) -> None:
    if not rows:
        return
    console.print(f"\n{title}:")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for row, why in rows:
        table.add_row(f"  {row.slug}", escape(why))
    console.print(table)


def _state(row: Row) -> str:
    return BROKEN if row.runs is False else row.state
