"""``guerdon score``: what a trained reward model says of rows."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json, written_out

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
    steps: Annotated[
        str | None,
        typer.Option(help="The model scores steps: minimum, product, mean or last_step of them is the score.", show_default=False),
    ] = None,
    separator: Annotated[str | None, typer.Option(help="What ends a step. Default: a line break.", show_default=False)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    json: Json = False,
) -> None:
    """Score rows with a trained reward model: pairs give the accuracy with its 95 % interval, completions their scores as JSON lines.

    Example: [bold]guerdon score runs/reward_model/model held_out.jsonl[/bold]

    Example: [bold]guerdon score runs/process/model solutions.jsonl --steps minimum[/bold]
    """
    import json as writer

    import numpy as np

    from guerdon.errors import InputError
    from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
    from guerdon.evaluation.statistics.wilson import Wilson
    from guerdon.interfaces.benching.scoring import scored as scores_of
    from guerdon.interfaces.benching.scoring import scored_steps
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
    parted = _parted(steps, written_out(separator))
    scorer = built(for_nobody(scorer_of(model, device, steps=parted is not None)), 0)
    encoder = encoder_for(scorer)
    kept, sides, left_out, equal = [], [], 0, 0
    for index, row in enumerate(data):
        with at_row(index, str(file)):
            try:
                found = _sides(row, encoder, pairs, missing_column, parted)
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
    each = scored_steps(scorer, sides) if parted else []
    scores = np.array([parted.aggregate(own) for own in each]) if parted else scores_of(scorer, sides)
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
        told = [{"step_score": own} for own in each] if parted else [{} for _ in kept]
        scored = [row | {"score": s} | more for row, s, more in zip(kept, scores.tolist(), told, strict=True)]
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


def _parted(steps, separator):
    """How answers are parted, and what is made of their steps; None: they are scored whole."""
    from guerdon.catalogue import resolve
    from guerdon.data.formats.stepwise import Stepwise
    from guerdon.errors import InputError
    from guerdon.interfaces.serving.kinds import OfSteps

    if separator is not None and (steps is None or not separator):
        raise InputError(
            "--separator is what ends a step; give some text, and name with --steps what is made of the steps, or leave it out"
        )
    try:
        return None if steps is None else OfSteps(resolve(steps, "feedback.aggregating")(), separator or Stepwise.separator)
    except LookupError as error:
        raise InputError(f"--steps: {error.args[0]}") from error


def _sides(row, encoder, pairs, missing_column, parted):
    """The tokens of what is scored of a row: both sides of a pair, or its one completion; in steps, where these are scored."""
    from guerdon.data.formats.preference import Preference, split
    from guerdon.errors import InputError
    from guerdon.tasks.encoding import template_variables
    from guerdon.tasks.sampled import spoken

    if pairs and parted is not None:
        prompt, *answers = split(row)
        return [parted.encoded(prompt, answer, encoder, template_variables(row)) for answer in answers]
    if pairs:
        sides = Preference()(row, encoder).sides
        return [sides["chosen"], sides["rejected"]]
    answer = "completions" if parted is not None and "completion" not in row and "completions" in row else "completion"
    for column in ("prompt", answer):
        if column not in row:
            raise InputError(f"the row {missing_column(column, row)}")
    if parted is not None:
        return [parted.encoded(row["prompt"], row[answer], encoder, template_variables(row))]
    return [encoder.encode_pair(row["prompt"], spoken(row, "completion"), **template_variables(row))]
