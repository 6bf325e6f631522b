"""``guerdon rubric``: rubrics for rows, drawn from references or from what separates the better of two answers."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json, named

NEEDS_ARGUMENTS = True


def command(
    file: Annotated[Path, typer.Argument(help="Rows: .jsonl, .json, .csv or .parquet.", show_default=False)],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="Where criteria come from: references (prompt, reference) or pairs (prompt, chosen, rejected), or a part with settings: {part: from_pairs, margin: 0.2}.",
            show_default=False,
        ),
    ],
    model: Annotated[
        str,
        typer.Option(help="Who writes and judges: a folder, a hub id, a GGUF file, or {url: ..., model: ...}.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(help="Write the rows with a column rubric here.")] = Path("rubrics.jsonl"),
    column: Annotated[
        list[str] | None, typer.Option(help="NEW=OLD, where a column has another name: reference=answer.", show_default=False)
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="The first rows only.", show_default=False)] = None,
    seed: Annotated[int, typer.Option(help="Of marks around what the writer is shown.")] = 0,
    json: Json = False,
) -> None:
    """Write a rubric for each row. Of pairs, a criterion is kept where a judge finds that it holds of the better answer more than of the other, and a rubric where it puts
    the better one first. Rows of which none came are left out, and counted by why. What the rows hold else stays, so that they are what a judge with rubrics is run on.

    Example: [bold]guerdon rubric pairs.jsonl --from pairs --model '{url: http://localhost:8000/v1}'[/bold]
    """
    from collections import Counter

    from guerdon.feedback.asked import writer_of
    from guerdon.feedback.criteria import Criteria
    from guerdon.feedback.rubric import plain
    from guerdon.feedback.writers import Writer
    from guerdon.interfaces.cli._printing import as_json, console
    from guerdon.interfaces.configuration._build import build
    from guerdon.interfaces.configuration._yaml import parse
    from guerdon.tasks._files._writing import write
    from guerdon.tasks.dataset import Dataset

    said = parse(source, "--from")
    made = build(Criteria, f"from_{said}" if said in ("references", "pairs") else said, "--from")
    writer = writer_of(build(Writer, parse(model, "--model"), "--model", rooms=("models.language",)))
    found = [dict(row) for row in Dataset(str(file), columns=named(column or []), shuffle=False, max_rows=rows).train()]
    drawn = made(writer, found, seed)
    done = [row | {"rubric": plain(one.rubric)} for row, one in zip(found, drawn, strict=True) if one.rubric is not None]
    why = Counter(one.why for one in drawn if one.rubric is None)
    items = sum(len(one.rubric.items) for one in drawn if one.rubric is not None)
    result = {
        "rows": len(found),
        "rubrics": len(done),
        "items": items,
        "proposed": sum(one.proposed for one in drawn),
        "left_out": dict(why),
        "file": str(out),
    }
    if done:
        write(out, done, otherwise="jsonl")
    if json:
        as_json(result)
        return
    console.print(f"{len(done)} rubrics of {len(found)} rows, {items} items of {result['proposed']} that were proposed", markup=False)
    for reason, count in why.most_common(5):
        console.print(f"  {count} left out: {reason}", markup=False, soft_wrap=True)
    if done:
        typer.echo(f"written: {out}", err=True)
