"""``guerdon score``: what a trained reward model says of rows."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json

NEEDS_ARGUMENTS = True


def command(
    model: Annotated[str, typer.Argument(help="A trained scorer: a folder or a hub id.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="Rows: pairs (chosen, rejected) or completions.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the rows with their scores here instead of printing them: .csv, .tsv, .json, .parquet, .arrow, or else JSON lines.",
            show_default=False,
        ),
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="At most so many rows.", show_default=False)] = None,
    skip: Annotated[bool, typer.Option("--skip-long", help="Leave out rows that do not fit into the model, and count them.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    json: Json = False,
) -> None:
    """Score rows with a trained reward model: pairs give the accuracy with its 95 % interval, completions their scores as JSON lines.

    Example: [bold]guerdon score runs/reward_model/model held_out.jsonl[/bold]
    """
    import json as writer

    from guerdon.errors import InputError
    from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
    from guerdon.evaluation.statistics.wilson import Wilson
    from guerdon.interfaces.benching.scoring import scored as scores_of
    from guerdon.interfaces.cli._printing import as_json, console
    from guerdon.interfaces.preparing import built
    from guerdon.interfaces.scorers import for_nobody, scorer_of
    from guerdon.tasks._files._writing import write
    from guerdon.tasks.dataset import Dataset
    from guerdon.tasks.encoding import NothingLeft, TooLong
    from guerdon.tasks.rows import at_row, missing_column
    from guerdon.training.jobs import encoder_for

    data = Dataset(str(file), shuffle=False, max_rows=rows).train()
    pairs = "chosen" in data[0]
    scorer = built(for_nobody(scorer_of(model, device)), 0)
    encoder = encoder_for(scorer)
    kept, sides, left_out, equal = [], [], 0, 0
    for index, row in enumerate(data):
        with at_row(index, str(file)):
            try:
                found = _sides(row, encoder, pairs, missing_column)
            except NothingLeft:
                equal += 1
                continue
            except TooLong:
                if not skip:
                    raise
                left_out += 1
                continue
        kept.append(row)
        sides.extend(found)
    if not kept:
        why = f" ({equal} pairs have two equal sides)" if equal else ""
        raise InputError(f"no row of {file} can be scored in the {scorer.context_length} tokens that the model has room for{why}")
    scores = scores_of(scorer, sides)
    if pairs:
        chosen, rejected = scores[::2], scores[1::2]
        right = PairAccuracy()(chosen, rejected)
        accuracy = Wilson()(right)
        result = {
            "pairs": len(kept),
            "accuracy": accuracy.value,
            "low": accuracy.low,
            "high": accuracy.high,
            "left_out": left_out,
            "equal": equal,
        }
        result["margin"] = float((chosen - rejected).mean())
        if out:
            write(
                out,
                [
                    row | {"chosen_score": c, "rejected_score": r}
                    for row, c, r in zip(kept, chosen.tolist(), rejected.tolist(), strict=True)
                ],
                otherwise="jsonl",
            )
        if json:
            as_json(result)
            return
        console.print(
            f"{len(kept)} pairs: accuracy {accuracy.value:.3f} (95 % interval {accuracy.low:.3f} to {accuracy.high:.3f}), chance is 0.5"
        )
        console.print(f"mean margin {result['margin']:.3f}")
    else:
        scored = [row | {"score": s} for row, s in zip(kept, scores.tolist(), strict=True)]
        if out:
            write(out, scored, otherwise="jsonl")
        else:
            for row in scored:
                print(writer.dumps(row, default=str))
    if left_out:
        typer.echo(f"{left_out} rows do not fit into the model and were left out", err=True)
    if equal:
        typer.echo(f"{equal} pairs have two equal sides, as the chat template or the tokenizer writes them, and were left out", err=True)
    if out and not json:
        typer.echo(f"written: {out}", err=True)


def _sides(row, encoder, pairs, missing_column):
    """The tokens of what is scored of a row: both sides of a pair, or its one completion."""
    from guerdon.data.formats.preference import Preference
    from guerdon.errors import InputError
    from guerdon.tasks.encoding import template_variables
    from guerdon.tasks.sampled import spoken

    if pairs:
        sides = Preference()(row, encoder).sides
        return [sides["chosen"], sides["rejected"]]
    for column in ("prompt", "completion"):
        if column not in row:
            raise InputError(f"the row {missing_column(column, row)}")
    return [encoder.encode_pair(row["prompt"], spoken(row, "completion"), **template_variables(row))]
