"""``guerdon steps``: labels of steps without people, by what becomes of an answer from after each of them."""

from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json, named, written_out

NEEDS_ARGUMENTS = True


def command(
    policy: Annotated[str, typer.Argument(help="Who goes on from after each step: a folder, a hub id or a GGUF file.", show_default=False)],
    file: Annotated[
        Path, typer.Argument(help="Rows: prompt, and completions (a list of steps) or completion (a text).", show_default=False)
    ],
    reward: Annotated[
        str,
        typer.Option(
            help="Judges whole answers: a reward by its name or as {part: NAME, ...}, file.py:function, or a trained reward model.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Write the rows with outcomes and labels here: .json, .parquet, .arrow, or else JSON lines.")
    ] = Path("steps.jsonl"),
    label: Annotated[
        str, typer.Option(help="What labels are made of the outcomes: success_rate, any_success, gain, {part: soft_value, eta: 2} ...")
    ] = "success_rate",
    tries: Annotated[int, typer.Option("--tries", min=1, help="Continuations from after each step.")] = 8,
    separator: Annotated[str, typer.Option(help="What ends a step.", show_default="a line break")] = "\n",
    column: Annotated[
        list[str] | None, typer.Option(help="NEW=OLD, where a column has another name: prompt=question.", show_default=False)
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="What is answered, as a format over the columns: '{question}\\n'.", show_default=False)
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="At most so many rows.", show_default=False)] = None,
    temperature: Annotated[float, typer.Option(min=0.01, help="At which continuations are drawn.")] = 1.0,
    max_completion_length: Annotated[int, typer.Option(min=1, help="Tokens after which a continuation is cut off.")] = 256,
    seed: Annotated[int, typer.Option(help="The same seed gives the same continuations.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    json: Json = False,
) -> None:
    """Label the steps of answers by Monte Carlo: answers are gone on with from after each step, judged whole, and a step is as good as what came of it. Stopped and started
    again, it goes on. The rows are what process_reward_model is fitted to.

    Example: [bold]guerdon steps runs/sft/model solutions.jsonl --reward number_match --out labelled.jsonl[/bold]
    """
    from guerdon.data.step_labels import StepLabels, labelled
    from guerdon.interfaces.cli._printing import as_json, console
    from guerdon.interfaces.configuration._build import build
    from guerdon.interfaces.configuration._yaml import parse
    from guerdon.interfaces.named_rewards import reward_of
    from guerdon.interfaces.preparing import built
    from guerdon.models.language.language_model import LanguageModel
    from guerdon.sequences import Decoding
    from guerdon.tasks._files._writing import write
    from guerdon.tasks.dataset import Dataset
    from guerdon.training.drive import Interrupted
    from guerdon.training.step_outcomes import step_outcomes

    separator = written_out(separator)
    made = build(StepLabels, parse(label, "--label"), "--label")
    judge = {reward: reward_of(reward, "--reward", device)}
    answers = _in_steps(
        Dataset(str(file), columns=named(column or []), prompt=written_out(prompt), shuffle=False, max_rows=rows), separator
    )
    model = built(LanguageModel(policy, device=device), seed)
    kept = out.with_name(out.name + ".outcomes")
    decoding = Decoding(max_completion_length, temperature)
    try:
        with _bar(len(answers), json) as progress:
            found = step_outcomes(model, answers, judge, tries, decoding, seed, separator, kept, progress=progress)
    except (KeyboardInterrupt, Interrupted):
        typer.echo(f"what was drawn so far is kept in {kept}: the same command goes on", err=True)
        raise
    done = labelled(found, made)
    write(out, done, otherwise="jsonl")
    kept.unlink(missing_ok=True)
    labels = [value for row in done for value in row["labels"]]
    result = {"rows": len(done), "steps": len(labels), "mean_label": sum(labels) / len(labels), "file": str(out)}
    if json:
        as_json(result)
        return
    console.print(f"{len(done)} answers, {len(labels)} steps, {tries} continuations each; mean label {result['mean_label']:.3f}")
    typer.echo(f"written: {out}", err=True)


def _in_steps(data, separator):
    """The rows of a dataset, with the steps of each answer in ``completions``."""
    from guerdon.errors import InputError
    from guerdon.feedback.text import whole_text
    from guerdon.tasks.rows import at_row, missing_column

    if not separator:
        raise InputError("--separator: it is empty; give the text that ends a step")
    found = []
    for index, row in enumerate(data.train()):
        with at_row(index, data.path):
            if "completions" not in row:
                for name in ("prompt", "completion"):
                    if name not in row:
                        raise InputError(f"the row {missing_column(name, row)}")
                steps = [step for step in whole_text(row["completion"]).split(separator) if step.strip()]
                row = {name: value for name, value in row.items() if name != "completion"} | {"completions": steps}
            if not row["completions"]:
                raise InputError("the answer has no steps; leave it out")
        found.append(row)
    return found


@contextmanager
def _bar(rows, silent):
    """A bar on the terminal; gives what is told how many rows are done, of how many."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True, quiet=silent), transient=True) as bar:
        task = bar.add_task("going on from after each step", total=rows)
        yield lambda done, of: bar.update(task, completed=done)
