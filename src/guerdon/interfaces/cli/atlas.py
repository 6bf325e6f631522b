"""``guerdon atlas``: the published systems, their code, their experiments and what came of them."""

import dataclasses
import time
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json
from guerdon.interfaces.cli._help import Command, Commands

group = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Published systems: what each composes, its claim, its experiment.\n\nExample: [bold]guerdon atlas run bnpo --scale smoke[/bold]",
)
Slug = Annotated[str, typer.Argument(help="The name of a system, as guerdon atlas list prints it.", show_default=False)]


@group.command("list", cls=Command)
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


@group.command(cls=Command, no_args_is_help=True)
def show(slug: Slug) -> None:
    """The code that runs for a system, from top to bottom.

    Example: [bold]guerdon atlas show bnpo[/bold]
    """
    from guerdon.atlas import show as shown

    print(shown(slug))


Slugs = Annotated[list[str] | None, typer.Argument(help="Names of systems, as guerdon atlas list prints them.", show_default=False)]
Families = Annotated[list[str] | None, typer.Option("--family", help="Every system of a family; may be given more than once.")]
Everything = Annotated[bool, typer.Option("--all", help="Every system of the atlas.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes at once. Default: one for each core.", show_default=False)]


@group.command(cls=Command, no_args_is_help=True)
def run(
    slug: Slugs = None,
    family: Families = None,
    everything: Everything = False,
    scale: Annotated[str, typer.Option(help="smoke (seconds), full (up to two minutes), or gpu.")] = "full",
    seeds: Annotated[int | None, typer.Option(min=1, help="The first so many seeds only.", show_default=False)] = None,
    jobs: Jobs = None,
    json: Json = False,
) -> None:
    """Explore: run the experiments of systems on seeds 0, 1, 2 ..., as often as you like. What the claims come to is shown, and no verdict is drawn.

    Example: [bold]guerdon atlas run dpo --scale smoke[/bold]
    """
    from guerdon.atlas import run as explored

    _each(_chosen(slug, family, everything), lambda name: explored(name, scale, jobs, quiet=json, seeds=seeds), json)


@group.command(cls=Command, no_args_is_help=True)
def tune(
    slug: Slug, again: Annotated[bool, typer.Option("--again", help="Also where a tuning is kept.")] = False, jobs: Jobs = None
) -> None:
    """Find the best setting of every arm of a system, with as many trials for each, on seeds that no verdict uses, and keep it.

    Example: [bold]guerdon atlas tune rso[/bold]
    """
    from guerdon.atlas import find
    from guerdon.atlas import tune as search
    from guerdon.atlas._tuning import tuned, tuning_path

    entry = find(slug)
    if again:
        search(entry, jobs, quiet=False).write(tuning_path(entry))
    found = tuned(entry, jobs, quiet=False)
    rows = [
        {"arm": t.arm, **t.setting, found.by: f"{t.mean():.4g}", "": "best" if t.setting == found.chosen[t.arm] else ""}
        for t in found.trials
    ]
    for arm in found.chosen:
        own = [row for row in rows if row["arm"] == arm]
        _table(own, tuple(own[0]))
    for arm, knobs in found.at_edge.items():
        print(f"{arm} is not tuned: the best {' and '.join(knobs)} lies at the edge of what was tried")


@group.command(cls=Command, no_args_is_help=True)
def confirm(slug: Slugs = None, family: Families = None, everything: Everything = False, jobs: Jobs = None, json: Json = False) -> None:
    """Draw the verdicts of systems, on seeds that follow from what they compute and that nobody has seen. A claim that does not hold is a finding: the exit code is 0.

    Example: [bold]guerdon atlas confirm dpo[/bold]
    """
    from guerdon.atlas import confirm as confirmed

    _each(_chosen(slug, family, everything), lambda name: confirmed(name, jobs, quiet=json), json)


def _each(chosen, measured, json):
    from guerdon.interfaces.cli._printing import as_json

    start = time.perf_counter()
    found = [measured(name) for name in chosen]
    if json:
        as_json([dataclasses.asdict(evidence) for evidence in found] if len(found) > 1 else dataclasses.asdict(found[0]))
    elif len(found) > 1:
        rows = [{"slug": e.slug, "outcome": e.verdict.outcome, "seconds": f"{e.duration_s:.0f}"} for e in found]
        _table(rows, ("slug", "outcome", "seconds"))
        print(f"{len(found)} systems in {(time.perf_counter() - start) / 60:.1f} minutes")


def _chosen(slugs: list[str] | None, families: list[str] | None, everything: bool) -> list[str]:
    """The systems of these names and families, each once.

    Raises:
        InputError: there is no such system or family.
    """
    from guerdon.atlas import find, systems
    from guerdon.catalogue import unknown
    from guerdon.errors import InputError

    there = systems()
    known = sorted({entry.family for entry in there})
    for family in families or []:
        if family not in known:
            raise InputError(unknown("family", family, known))
    own = [find(slug).slug for slug in slugs or []] + [entry.slug for entry in there if everything or entry.family in (families or [])]
    if not own:
        raise InputError("name a system, a family with --family, or everything with --all")
    return list(dict.fromkeys(own))


@group.command(cls=Command)
def status(
    slug: Slugs = None,
    family: Families = None,
    everything: Everything = False,
    smoke: Annotated[bool, typer.Option("--smoke", help="Run every experiment at smoke scale first (seconds each).")] = False,
    json: Json = False,
) -> None:
    """How far every family is, and what waits for its world. With names, a family or --all: each system, its verdict, and what its claims came to.

    Example: [bold]guerdon atlas status --family policy-gradient[/bold]
    """
    from guerdon.atlas import status as states
    from guerdon.interfaces.cli._printing import as_json
    from guerdon.interfaces.cli._standing import by_family, one_by_one

    chosen = _chosen(slug, family, everything) if slug or family or everything else None
    rows = states(smoke, chosen)
    if json:
        as_json([dataclasses.asdict(row) for row in rows])
    elif chosen is None:
        by_family(rows)
    else:
        one_by_one(rows)


@group.command(cls=Command)
def verdicts() -> None:
    """The page on all verdicts, as Markdown: every claim with its interval, what was matched, and what was read before it was written.

    Example: [bold]guerdon atlas verdicts[/bold]
    """
    from guerdon.interfaces.pages import verdicts as page

    print(page(), end="")


def _table(rows: list[dict], columns: tuple[str, ...]) -> None:
    from rich.table import Table

    from guerdon.interfaces.cli._printing import console

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*("" if row[c] is None else str(row[c]) for c in columns))
    console.print(table)
