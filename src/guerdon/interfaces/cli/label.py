"""``guerdon label``: a page on which people label rows, and the rows that come of it."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json, named, written_out

NEEDS_ARGUMENTS = True


def command(
    file: Annotated[Path, typer.Argument(help="Rows: .jsonl, .json, .csv or .parquet.", show_default=False)],
    kind: Annotated[
        str | None,
        typer.Option(help="compare, rank, rate, steps, spans, accept. Default: what the columns look made for.", show_default=False),
    ] = None,
    attributes: Annotated[str | None, typer.Option(help="Of rate: what is rated, such as helpful,honest.", show_default=False)] = None,
    scale: Annotated[str | None, typer.Option(help="Of rate: the lowest and the highest number. Default: 1-5.", show_default=False)] = None,
    until_error: Annotated[bool, typer.Option("--until-error", help="Of steps: judge none after the first wrong one.")] = False,
    separator: Annotated[
        str | None, typer.Option(help="Of steps: what stands between two in an answer. Default: a line's end.", show_default=False)
    ] = None,
    annotators: Annotated[
        str | None, typer.Option(help="Names, such as ann,bob: each gets a link of their own. Default: you, alone.", show_default=False)
    ] = None,
    each: Annotated[int, typer.Option(min=1, help="How many annotators label each row.")] = 1,
    further: Annotated[int, typer.Option(min=0, help="How many more are asked where their labels differ.")] = 1,
    gold: Annotated[
        Path | None, typer.Option(help="Rows with a known answer, mixed in: what an export of labels looks like.", show_default=False)
    ] = None,
    gold_every: Annotated[int, typer.Option(min=2, help="Every how many questions one is of --gold.")] = 10,
    order: Annotated[str, typer.Option(help="What comes first: file, shuffled, disagreement, uncertain, informative.")] = "file",
    lease: Annotated[float, typer.Option(min=1, help="Seconds for which a row is kept for who looks at it.")] = 900,
    seed: Annotated[int | None, typer.Option(help="Of all that is shuffled. Default: that of the store, or 0.", show_default=False)] = None,
    store: Annotated[
        Path | None, typer.Option(help="The folder that keeps the labels. Default: beside the file, .labels.", show_default=False)
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", help="A column's new name and the one it has, such as prompt=question.", show_default=False),
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="The first rows only.", show_default=False)] = None,
    host: Annotated[str, typer.Option(help="Where to listen; others than this machine need --annotators.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: one that is free.")] = 8017,
    export: Annotated[Path | None, typer.Option(help="Serve nothing: write what is labelled here.", show_default=False)] = None,
    by_annotator: Annotated[bool, typer.Option("--by-annotator", help="Of --export: a row for each annotator, not the majority.")] = False,
    soft: Annotated[bool, typer.Option("--soft", help="Of --export: keep the share of those who are of an opinion.")] = False,
    overview: Annotated[
        bool, typer.Option("--overview", help="Serve nothing: print agreement, annotators, and the rows they differ on.")
    ] = False,
    json: Json = False,
) -> None:
    """Label rows in a browser: compare, rank, rate, judge steps or spans, accept or reject. Labels are kept as they are given, and the same command goes on.

    Example: [bold]guerdon label pairs.jsonl[/bold], then [bold]guerdon label pairs.jsonl --export labelled.jsonl[/bold]
    """
    from guerdon.errors import InputError
    from guerdon.interfaces.labelling.opening import Wanted
    from guerdon.tasks.dataset import Dataset

    if export is None and (by_annotator or soft):
        raise InputError(f"--{'soft' if soft else 'by-annotator'} says how labels are exported; give --export FILE as well")
    if export is not None and overview:
        raise InputError("--export and --overview: give one of the two")
    if gold_every != 10 and gold is None:
        raise InputError("--gold-every: there are no gold questions to mix in; give --gold FILE")
    read = Dataset(str(file), shuffle=False, max_rows=rows, columns=named(columns or [])).train()
    settings = {
        "attributes": None if attributes is None else tuple(name.strip() for name in attributes.split(",")),
        "scale": None if scale is None else _scale(scale),
        "until_error": until_error or None,
        "separator": written_out(separator),
    }
    wanted = Wanted(read, str(file), kind, {name: value for name, value in settings.items() if value is not None}, seed)
    folder = store or file.with_name(f"{file.name.removesuffix('.gz').rpartition('.')[0] or file.name}.labels")
    known = [] if gold is None else Dataset(str(gold), shuffle=False, columns=named(columns or [])).train()
    if export is not None:
        _export(wanted, folder, export, by_annotator, soft, json)
    elif overview:
        _overview(wanted, folder, known, str(gold), json)
    else:
        from guerdon.interfaces.labelling.assigning import Plan

        names = [] if annotators is None else [name.strip() for name in annotators.split(",")]
        _serve(wanted, folder, known, str(gold), Plan(each, further, gold_every, lease), order, names, host, port, json)


def _export(wanted, folder, out, by_annotator, soft, json):
    from guerdon.errors import InputError
    from guerdon.interfaces.cli._printing import as_json
    from guerdon.interfaces.labelling.exporting import exported
    from guerdon.interfaces.labelling.opening import looked_into
    from guerdon.tasks._files._writing import refuse_name, write

    refuse_name(out)
    if out.exists() and out.samefile(wanted.where):
        raise InputError(f"{out} is what is labelled; give another file to write to")
    with looked_into(wanted, folder) as (kind, items, _, ledger):
        found = exported(kind, items, ledger, by_annotator, soft)
    if not found.rows:
        why = "; ".join(f"{reason} ({count})" for reason, count in found.left_out.items())
        raise InputError(f"there is no row to export: {why}")
    write(out, found.rows)
    if json:
        as_json({"written": len(found.rows), "left_out": found.left_out, "file": str(out)})
        return
    for reason, count in sorted(found.left_out.items(), key=lambda pair: -pair[1]):
        typer.echo(f"{count} left out: {reason}", err=True)
    typer.echo(f"{len(found.rows)} rows written: {out}", err=True)


def _overview(wanted, folder, known, gold, json):
    from rich.table import Table

    from guerdon.interfaces.cli._printing import as_json, console
    from guerdon.interfaces.labelling.opening import looked_into
    from guerdon.interfaces.labelling.overview import overview

    with looked_into(wanted, folder, known, gold) as opened:
        found = overview(*opened)
    if json:
        as_json(found)
        return
    console.print(
        f"{found['labelled']} of {found['items']} rows labelled, {found['labels']} labels, {found['shared']} rows by more than one"
    )
    for scale, of in found["alpha"].items():
        said = "cannot be told yet" if of["alpha"] is None else f"{of['alpha']:.3f}"
        console.print(f"Krippendorff's alpha of {scale}: {said} ({of['units']} judged by more than one)")
    table = Table(
        "annotator", "labels", "skipped", "undone", "seconds", "gold right", "as the others", "first preferred", box=None, pad_edge=False
    )
    for one in found["annotators"]:
        shares = [_share(one[name]) for name in ("gold", "agrees", "first")]
        seconds = "" if one["seconds"] is None else f"{one['seconds']:.1f}"
        table.add_row(one["annotator"], *(str(one[name]) for name in ("labels", "skipped", "undone")), seconds, *shares)
    console.print(table)
    for one in found["disputes"]:
        answers = ", ".join(f"{who}: {said}" for who, said in one["answers"].items())
        console.print(f"row {one['row']}: {answers}", markup=False)


def _serve(wanted, folder, known, gold, plan, order, names, host, port, json):
    import json as writer
    import secrets

    from guerdon.errors import InputError
    from guerdon.interfaces.labelling.app import ALONE, OPEN, OWNER, app
    from guerdon.interfaces.labelling.opening import opened
    from guerdon.interfaces.web import address, serve

    if any(not name for name in names) or len(set(names)) < len(names) or {OWNER, ALONE} & set(names):
        raise InputError(f"--annotators: give different names, none of them empty, {OWNER!r} or {ALONE!r}")
    if plan.each > max(len(names), 1):
        raise InputError(f"--each {plan.each}: there are {max(len(names), 1)} annotators; name as many with --annotators")
    at = address(host, port)
    if not at.loopback and not names:
        raise InputError(f"--host {host}: everybody who reaches it could label; name who may with --annotators, each gets a link")
    with opened(wanted, folder, known, gold, plan, order) as session:
        people = [*names, OWNER] if names else []
        tokens = session.store.tokens(people, [secrets.token_urlsafe(18) for _ in people])

        def say(url: str) -> None:
            links = {who: f"{at.link}/enter?token={token}" for who, token in tokens.items()}
            if json:
                print(writer.dumps({"url": url, "links": links, "store": str(folder)}), flush=True)
                return
            for who, link in links.items():
                print(f"{who}: {link}", flush=True)
            if not links:
                print(f"label at {url}, see how it goes at {url}/overview", flush=True)
            typer.echo(f"labels are kept in {folder}; Ctrl-C ends, the same command goes on", err=True)

        serve(app(session, {t: who for who, t in tokens.items()}), at, {t: who for who, t in tokens.items()}, 2**20, say, OPEN)


def _scale(said):
    from guerdon.errors import InputError

    low, _, high = said.partition("-")
    if not (low.strip().isdecimal() and high.strip().isdecimal()):
        raise InputError(f"--scale {said}: write the lowest and the highest number, such as 1-5")
    return int(low), int(high)


def _share(share):
    if share is None:
        return ""
    return f"{100 * share['share']:.0f} % of {share['count']} ({100 * share['low']:.0f} to {100 * share['high']:.0f})"
