"""``guerdon atlas``: the published systems, their code, their experiments and what came of them."""

import dataclasses
import time
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json

group = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Published systems: what each composes, its claim, its experiment.\n\nExample: [bold]guerdon atlas run bnpo --scale smoke[/bold]",
)
Slug = Annotated[str, typer.Argument(help="The name of a system, as guerdon atlas list prints it.", show_default=False)]


@group.command("list")
def list_systems(json: Json = False) -> None:
    """Every system with its family and title.

    Example: [bold]guerdon atlas list --json[/bold]
    """
    from guerdon.atlas import systems
    from guerdon.interfaces.cli._printing import as_json

    rows = [{"slug": e.slug, "family": e.family, "title": e.system.title, "link": e.system.link} for e in systems()]
    if json:
        as_json(rows)
    else:
        _table(rows, ("slug", "family", "title"))


@group.command(no_args_is_help=True)
def show(slug: Slug) -> None:
    """The code that runs for a system, from top to bottom.

    Example: [bold]guerdon atlas show bnpo[/bold]
    """
    from guerdon.atlas import show as shown

    print(shown(slug))


@group.command(no_args_is_help=True)
def run(
    slug: Annotated[
        list[str] | None, typer.Argument(help="Names of systems, as guerdon atlas list prints them.", show_default=False)
    ] = None,
    family: Annotated[list[str] | None, typer.Option(help="Every system of a family; may be given more than once.")] = None,
    scale: Annotated[str, typer.Option(help="smoke (seconds), full (up to two minutes), or gpu.")] = "full",
    json: Json = False,
) -> None:
    """Run the experiments of systems and judge their claims. A claim that does not hold is a finding: the exit code is 0.

    Example: [bold]guerdon atlas run dpo --scale smoke[/bold]
    """
    from guerdon.atlas import run as measured
    from guerdon.interfaces.cli._printing import as_json

    start = time.perf_counter()
    chosen = _chosen(slug or [], family or [])
    found = [measured(name, scale, quiet=json) for name in chosen]
    if json:
        as_json([dataclasses.asdict(evidence) for evidence in found] if len(found) > 1 else dataclasses.asdict(found[0]))
    elif len(found) > 1:
        rows = [{"slug": e.slug, "verdict": e.verdict.outcome, "seconds": f"{e.duration_s:.0f}"} for e in found]
        _table(rows, ("slug", "verdict", "seconds"))
        print(f"{len(found)} systems in {(time.perf_counter() - start) / 60:.1f} minutes")


def _chosen(slugs: list[str], families: list[str]) -> list[str]:
    """The systems of these names and families, each once.

    Raises:
        InputError: there is no such system or family.
    """
    from guerdon.atlas import find, systems
    from guerdon.catalogue import unknown
    from guerdon.errors import InputError

    everything = systems()
    known = sorted({entry.family for entry in everything})
    for family in families:
        if family not in known:
            raise InputError(unknown("family", family, known))
    own = [find(slug).slug for slug in slugs] + [entry.slug for entry in everything if entry.family in families]
    if not own:
        raise InputError("name a system, or a family with --family")
    return list(dict.fromkeys(own))


@group.command()
def status(
    smoke: Annotated[bool, typer.Option("--smoke", help="Run every experiment at smoke scale first (seconds each).")] = False,
    json: Json = False,
) -> None:
    """Every system: whether it runs, its verdict and where the evidence is.

    Example: [bold]guerdon atlas status --json[/bold]
    """
    from guerdon.atlas import status as states
    from guerdon.interfaces.cli._printing import as_json

    rows = [dataclasses.asdict(row) for row in states(smoke)]
    if json:
        as_json(rows)
    else:
        _table(rows, ("slug", "family", "runs", "verdict", "seeds", "evidence"))


def _table(rows: list[dict], columns: tuple[str, ...]) -> None:
    from rich.table import Table

    from guerdon.interfaces.cli._printing import console

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*("" if row[c] is None else str(row[c]) for c in columns))
    console.print(table)
