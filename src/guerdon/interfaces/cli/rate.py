"""``guerdon rate``: scores with intervals from a table of comparisons."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json

NEEDS_ARGUMENTS = True


def command(
    file: Annotated[Path, typer.Argument(help="Comparisons: .jsonl, .json, .csv or .parquet, one a row.", show_default=False)],
    model: Annotated[
        str | None,
        typer.Option(
            help="bradley_terry, thurstone, davidson, rao_kupper, outside_option. Default: what has an answer for all rows.",
            show_default=False,
        ),
    ] = None,
    first: Annotated[
        str | None, typer.Option(help="Column of the item shown first. Default: item_a or model_a.", show_default=False)
    ] = None,
    second: Annotated[str | None, typer.Option(help="Column of the other. Default: item_b or model_b.", show_default=False)] = None,
    winner: Annotated[
        str | None,
        typer.Option(
            help="Column of the answer: the winner's name, a, b, tie (both good) or neither (both bad). Default: winner or outcome.",
            show_default=False,
        ),
    ] = None,
    probability: Annotated[
        str | None,
        typer.Option(help="Instead: the column of the probability that the first is better. Default: probability.", show_default=False),
    ] = None,
    votes: Annotated[
        str | None,
        typer.Option(
            help="Instead: the columns of votes for the first, the second (and ties), such as votes_a,votes_b.", show_default=False
        ),
    ] = None,
    both_bad: Annotated[str, typer.Option(help="What both bad counts as: neither (an answer of its own), tie or drop.")] = "neither",
    cluster: Annotated[
        str | None,
        typer.Option(help="Column of who answered (or of the prompt): intervals then allow for dependence within.", show_default=False),
    ] = None,
    order: Annotated[bool, typer.Option("--order", help="Estimate the advantage of being shown first.")] = False,
    half: Annotated[bool, typer.Option("--half", help="Count a tie as half a win for each.")] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="Leave out answers that the model does not have, and items compared with themselves.")
    ] = False,
    ridge: Annotated[float, typer.Option(min=0.0, help="Precision of a normal prior on scores; needed where an item never lost.")] = 0.0,
    confidence: Annotated[float, typer.Option(help="Of the intervals, between 0 and 1.")] = 0.95,
    elo: Annotated[
        bool, typer.Option("--elo", help="Scores on Elo's scale: 400 points are odds of 10 to 1, and their mean is 1000.")
    ] = False,
    equilibrium: Annotated[
        bool,
        typer.Option(
            "--equilibrium",
            help="Instead of a model: rate by what an item would gain against the strongest others; copies of an item or a topic change nothing. "
            "Needs every pair, on each topic.",
        ),
    ] = False,
    topic: Annotated[
        str | None, typer.Option(help="With --equilibrium: column of the prompt, or the kind of prompt.", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the table here: .csv or .jsonl.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Rate the items of a table of comparisons by maximum likelihood, with confidence intervals and the ranks that they allow; or at an equilibrium.

    Example: [bold]guerdon rate comparisons.jsonl --cluster user[/bold]
    """
    from rich.table import Table

    from guerdon.errors import InputError
    from guerdon.interfaces.cli._printing import as_json, console
    from guerdon.interfaces.rating import Columns, at_equilibrium, choice_for, comparisons, rated, whole
    from guerdon.parts import describe
    from guerdon.tasks.dataset import Dataset

    if out is not None and out.suffix not in (".csv", ".jsonl"):
        raise InputError(f"--out: {out} should end in .csv or .jsonl")
    fitted = {"--model": model, "--order": order, "--half": half, "--ridge": ridge, "--elo": elo, "--cluster": cluster}
    for name, value in fitted.items() if equilibrium else {"--topic": topic}.items():
        if value:
            raise InputError(
                f"{name}: {'an equilibrium has no use for it' if equilibrium else 'only --equilibrium reads it'}; leave it out"
            )
    columns = Columns(first, second, winner, probability, tuple(n.strip() for n in votes.split(",")) if votes else None, cluster, topic)
    table = comparisons(Dataset(str(file), shuffle=False, texts=columns.texts).train(), columns, both_bad, str(file), drop)
    if equilibrium:
        _print_equilibrium(*at_equilibrium(table, drop), json, out)
        return
    choice = choice_for(table, model)
    if elo and not _logistic(choice):
        raise InputError(f"--elo: {type(choice).__name__} has no scores that are log-odds and have no zero of their own; leave it out")
    found = rated(table, choice, order, ridge, confidence, drop, half)
    rows = [row | _elo(row) for row in found.rows] if elo else found.rows
    if out is not None:
        _write(out, rows)
    left_out = whole(sum(table.count) + table.dropped - found.used)
    if json:
        result = {"model": describe(choice), "comparisons": found.used, "left_out": left_out, "log_likelihood": found.log_likelihood}
        as_json(result | {"confidence": confidence, "items": rows, "parameters": found.others})
        return
    third = "neither" if choice.nobody == "none" else "tied"
    shown = Table("rank", "item", "score", f"{100 * confidence:g} % interval", "won", "lost", third, box=None, pad_edge=False)
    for row in rows:
        ranks = f"{row['best_rank']}" if row["best_rank"] == row["worst_rank"] else f"{row['best_rank']} to {row['worst_rank']}"
        numbers = (_figure(row["score"], elo), f"{_figure(row['low'], elo)} to {_figure(row['high'], elo)}")
        shown.add_row(
            ranks, row["item"], *numbers, *(f"{row[name]:g}" for name in ("wins", "losses", "neither" if third == "neither" else "ties"))
        )
    console.print(shown)
    for name, value in found.others.items():
        console.print(f"{name} {value['value']:.3f}  ({100 * confidence:g} % interval {value['low']:.3f} to {value['high']:.3f})")
    console.print(
        f"{found.used} comparisons, {describe(choice)}, log-likelihood {found.log_likelihood:.2f}"
        + (", robust intervals" if cluster else "")
    )
    if left_out:
        typer.echo(f"{left_out} comparisons are left out", err=True)
    if out is not None:
        typer.echo(f"written: {out}", err=True)


def _print_equilibrium(items, topics, json, out):
    from rich.table import Table

    from guerdon.interfaces.cli._printing import as_json, console

    if out is not None:
        _write(out, items)
    if json:
        as_json({"model": "equilibrium", "items": items, "topics": topics})
        return
    for what, rows in (("item", items), ("topic", topics)):
        if rows:
            shown = Table(what, "rating", "played", box=None, pad_edge=False)
            for row in rows:
                shown.add_row(row[what], _figure(row["rating"], False), f"{row['share']:.3f}")
            console.print(shown)
    if out is not None:
        typer.echo(f"written: {out}", err=True)


def _logistic(choice) -> bool:
    from guerdon.exact.likelihoods.thurstone import Thurstone

    return choice.shift_free and not isinstance(choice, Thurstone)


def _elo(row):
    import math

    return {name: 1000 + 400 / math.log(10) * row[name] for name in ("score", "low", "high")}


def _figure(value, elo):
    return f"{value:.0f}" if elo else f"{value + 0:.3f}"


def _write(out, rows):
    import csv
    import json

    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="", encoding="utf-8") as file:
        if out.suffix == ".csv":
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        else:
            file.writelines(json.dumps(row) + "\n" for row in rows)
