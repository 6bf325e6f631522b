"""``guerdon convert``: rows of one format as rows of another, with counts of what was left out."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json, named

NEEDS_ARGUMENTS = True


def command(
    rows: Annotated[
        str, typer.Argument(metavar="IN", help="A file, a pattern of names, a folder or a dataset of the hub.", show_default=False)
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A file: .jsonl, .json, .csv, .tsv, .parquet, .arrow.", show_default=False)],
    to: Annotated[
        str | None,
        typer.Option(
            help="messages, pairs, prompt_completion, ranking, stepwise, unpaired. Default: as they are.",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", help="A column's new name and the one it has, such as prompt=question.", show_default=False),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of a conversion, such as pair.every=true or last_turn.every=true.", show_default=False),
    ] = None,
    split: Annotated[str, typer.Option(help="Of a folder or a dataset of the hub.")] = "train",
    name: Annotated[str | None, typer.Option(help="The configuration of a dataset of the hub.", show_default=False)] = None,
    max_rows: Annotated[int | None, typer.Option("--rows", min=1, help="Read at most so many rows.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Turn rows of one format into another: pairs into single answers (for KTO) and back, exports of Label Studio and Argilla, and the forms of well-known
    datasets (ShareGPT, Alpaca, HH, UltraFeedback, HelpSteer, Chatbot Arena, PRM800K ...) into the common columns. What the rows are is told by their
    columns, and the way to the format that is asked for is found.

    Example: [bold]guerdon convert pairs.jsonl unpaired.jsonl --to unpaired[/bold]
    """
    from guerdon.data.converting import Converting
    from guerdon.errors import InputError
    from guerdon.interfaces.cli._printing import as_json
    from guerdon.tasks._files._writing import refuse_name, write
    from guerdon.tasks.dataset import Dataset
    from guerdon.tasks.rows import place

    refuse_name(out)
    if out.exists() and Path(rows).exists() and out.samefile(rows):
        raise InputError(f"{out} is what is read; give another file to write to")
    by = _parts(settings or [])
    task = Dataset(rows, name=name, split=split, columns=named(columns or []), max_rows=max_rows, shuffle=False)
    read = task.train()
    converted = None if to is None else Converting(to, tuple(by))(read, rows)
    found, left_out = (read, {}) if converted is None else (converted.rows, converted.left_out)
    write(out, found)
    if json:
        as_json({"read": len(read), "written": len(found), "left_out": left_out, "file": str(out)})
        return
    for reason, count in sorted(left_out.items(), key=lambda item: -item[1]):
        at = converted.first.get(reason)
        first = "" if at is None else f" ({'the first is ' if count > 1 else ''}row {place(read, at)[0]})"
        typer.echo(f"{count} left out: {reason}{first}", err=True)
    typer.echo(f"{len(read)} rows read, {len(found)} written: {out}", err=True)


def _parts(settings):
    """The conversions that have settings of their own."""
    from guerdon.data.converting import ROOM
    from guerdon.errors import InputError
    from guerdon.interfaces.configuration._build import part
    from guerdon.interfaces.configuration._overrides import split as overrides

    given: dict[str, dict] = {}
    for text in settings:
        if "." not in text.partition("=")[0] or "=" not in text:
            raise InputError(f"--set: {text!r} should be written CONVERSION.SETTING=VALUE, such as pair.every=true")
    for name, value in overrides(settings):
        part_name, _, field = name.partition(".")
        given.setdefault(part_name, {})[field] = value
    return [part(name, fields, (ROOM,), "--set") for name, fields in given.items()]
