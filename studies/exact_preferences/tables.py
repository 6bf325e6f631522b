"""The tables of the page."""

from collections.abc import Callable, Sequence
from typing import Any

from studies.exact_preferences.reading import Table, marked, number

GROUPS = (("What was asked", 0, 4), ("Wrong labels", 4, 9), ("Other references, other people", 9, 13))  # situations from, to


def regrets(table: Table, tuned: bool) -> list[str]:
    """Mean regrets with their intervals, the situations in groups."""
    lines = []
    for title, first, last in GROUPS:
        lines += [f"**{title}**", "", *_grid(table, table.situations[first:last], lambda o, s: _regret(table, o, s, tuned)), ""]
    return lines


def means(table: Table, measure: str, tuned: bool) -> list[str]:
    """A measure in every situation that has it, without intervals."""
    having = [s for s in table.situations if _measure(table.cell(table.objectives[0], s, tuned), measure) is not None]

    def shown(objective: str, situation: str) -> str:
        value = _measure(table.cell(objective, situation, tuned), measure)
        return "" if value is None else number(value[0])

    return [*_grid(table, having, shown), ""]


def _measure(cell: dict[str, Any] | None, measure: str) -> list[float] | None:
    return None if cell is None else cell[measure]


def _regret(table: Table, objective: str, situation: str, tuned: bool) -> str:
    cell = table.cell(objective, situation, tuned)
    if cell is None:
        return ""
    mean, low, high = map(number, cell["regret"])
    within = "" if low == high == mean else f" [{low}, {high}]"
    at = f" at {table.strength(objective, situation, tuned):g}" if tuned and table.varies(objective) else ""
    return f"{mean}{marked(cell)}{within}{at}"


def _grid(table: Table, situations: Sequence[str], shown: Callable[[str, str], str]) -> list[str]:
    lines = [f"| objective | {' | '.join(situations)} |", f"| --- |{' --- |' * len(situations)}"]
    return lines + [f"| {o}{table.note(o)} | {' | '.join(shown(o, s) for s in situations)} |" for o in table.objectives]
