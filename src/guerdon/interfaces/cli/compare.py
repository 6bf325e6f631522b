"""``guerdon compare``: runs beside one another."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json

NEEDS_ARGUMENTS = True


def command(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs, finished or not; the others are compared with the first.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option(help="Where the page is written. Default: comparison.html beside the first run.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Put runs beside one another: figures with paired intervals, curves on one another, answers to the same prompts. Runs that differ in nothing but
    their seed are taken together.

    Example: [bold]guerdon compare runs/grpo runs/dapo[/bold]
    """
    from guerdon.errors import InputError
    from guerdon.interfaces.cli._printing import as_json, console
    from guerdon.interfaces.comparing import compare, write

    if len(runs) < 2:
        raise InputError(f"there is nothing to compare {runs[0]} with; name the folders of at least two runs")
    comparison = compare(runs)
    if len(comparison.arms) == 1:
        comparison.notes.append("they differ in nothing but their seeds, so they are one arm with nothing to compare it with")
    page = write(comparison, out or runs[0].resolve().parent / "comparison.html")
    if json:
        as_json(_result(comparison) | {"page": str(page)})
        return
    for note in comparison.notes:
        console.print(note, style="yellow", markup=False)
    _differing(comparison)
    _figures(comparison)
    console.print(f"\ncurves and answers: {page}", markup=False, soft_wrap=True)


def _result(comparison) -> dict:
    import math

    labels = [arm.label for arm in comparison.arms]

    def estimate(e):
        return None if e is None else {name: value if math.isfinite(value) else None for name, value in e._asdict().items()}

    return {
        "arms": [{"name": a.label, "runs": [str(r.folder) for r in a.records], "seeds": list(a.seeds)} for a in comparison.arms],
        "differs": {place: dict(zip(labels, values, strict=True)) for place, values in comparison.differs.items()},
        "figures": [
            {
                "name": m.name,
                "lower_is_better": m.lower_is_better,
                "values": {label: estimate(e) for label, e in zip(labels, m.values, strict=True)},
                "differences": {
                    label: [{"over": d.over, "better": d.better} | estimate(d.estimate) for d in found]
                    for label, found in zip(labels[1:], m.differences[1:], strict=True)
                },
            }
            for m in comparison.measured
        ],
        "notes": comparison.notes,
    }


def _differing(comparison) -> None:
    from rich.table import Column, Table

    from guerdon.interfaces.cli._printing import Name, console
    from guerdon.interfaces.comparing.page import plain

    table = Table("", *(Column(Name(arm.label)) for arm in comparison.arms), box=None, pad_edge=False)
    table.add_row("runs", *(str(len(arm.records)) for arm in comparison.arms))
    for place, values in list(comparison.differs.items())[:20]:
        table.add_row(Name(place), *(Name(plain(value)) for value in values))
    console.print(table)
    if len(comparison.differs) > 20:
        console.print(f"and {len(comparison.differs) - 20} more places")


def _figures(comparison) -> None:
    from rich.table import Column, Table

    from guerdon.interfaces.cli._printing import Name, console

    if not comparison.measured:
        console.print("\nnothing was measured of held-out rows in at least two of them; set task.held_out and budget.evaluate_every")
        return
    words = {True: "better", False: "worse", None: "unclear"}
    for m in comparison.measured:
        console.print(f"\n[bold]{m.name}[/bold]")
        table = Table("", "at the end", Column(Name(f"from {comparison.arms[0].label}")), "paired over", "", box=None, pad_edge=False)
        for arm, value, apart in zip(comparison.arms, m.values, m.differences, strict=True):
            cells = [Name(arm.label), "–" if value is None else _shown(value, m.percent)]
            if not apart:
                table.add_row(*cells)
            for j, d in enumerate(apart):
                difference = _shown(d.estimate, m.percent, sign=True)
                table.add_row(*(cells if j == 0 else ["", ""]), difference, d.over, words[d.better] if d.over else "")
        console.print(table)


def _shown(value, percent: bool, sign: bool = False) -> str:
    import math

    scale, unit, form = (100, " %", ".1f") if percent else (1, "", ".3g")
    value, low, high = (round(scale * number, 12) + 0.0 for number in value)
    interval = f" ({low:{form}} to {high:{form}})" if math.isfinite(low) else ""
    return f"{value:{'+' if sign and value else ''}{form}}{unit}{interval}"
