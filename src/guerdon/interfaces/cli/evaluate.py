"""``guerdon evaluate``: how often a policy's answers to the held-out rows of a task are right, or how often a reward model is right on rows."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json, Overrides

NEEDS_ARGUMENTS = True

RUN, ROWS = "With the YAML file of a run: a policy answers", "With a file of rows: a reward model is tested"
_OF_RUN = ("overrides", "n", "temperature", "threshold", "seed")
_OF_ROWS = ("report", "category", "rows", "skip_long", "edited", "step_threshold", "chat")


def command(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A folder, a hub id or a GGUF file.", show_default=False)],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The YAML file of a run, or rows: pairs, candidates or solutions in steps.", show_default=False
        ),
    ],
    overrides: Overrides = None,
    n: Annotated[int, typer.Option("-n", min=1, help="Answers to each row; more than one gives pass@k.", rich_help_panel=RUN)] = 1,
    temperature: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="Default: 0 (the most likely answer) for one answer, 1 for several.", show_default=False, rich_help_panel=RUN
        ),
    ] = None,
    threshold: Annotated[float, typer.Option(help="A reward of so much is a right answer.", rich_help_panel=RUN)] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same answers.", rich_help_panel=RUN)] = 0,
    bench: Annotated[
        bool,
        typer.Option(
            "--bench", help="FILE holds rows, whatever it is called. Not needed where it does not end in .yaml.", rich_help_panel=ROWS
        ),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write an HTML page here: figures, calibration, length, edits, the worst rows.", show_default=False, rich_help_panel=ROWS
        ),
    ] = None,
    category: Annotated[
        str | None,
        typer.Option(
            help="The column of categories. Default: subset or category, where there is one.", show_default=False, rich_help_panel=ROWS
        ),
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="At most so many rows.", show_default=False, rich_help_panel=ROWS)] = None,
    skip_long: Annotated[
        bool, typer.Option("--skip-long", help="Leave out rows that do not fit into the model, and count them.", rich_help_panel=ROWS)
    ] = False,
    chat: Annotated[
        bool,
        typer.Option(
            "--chat", help="Plain texts are turns of a conversation: the model's chat template writes them.", rich_help_panel=ROWS
        ),
    ] = False,
    edited: Annotated[
        int,
        typer.Option(
            "--edited", min=0, help="So many pairs (drawn) are edited, to see what the model reads; 0: none.", rich_help_panel=ROWS
        ),
    ] = 200,
    step_threshold: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="A step that is less likely right than that is thought to be wrong.", rich_help_panel=ROWS),
    ] = 0.5,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    json: Json = False,
) -> None:
    """With the YAML file of a run: answer the held-out rows of its task, and print the accuracy with its 95 % interval (and pass@k for several answers). With a
    file of rows: test a reward model on them: accuracy by category, calibration, length and style, edits that should and should not matter.

    Example: [bold]guerdon evaluate runs/sort_letters/model run.yaml evaluation_rows=512 -n 8[/bold]

    Example: [bold]guerdon evaluate runs/reward_model/model pairs.jsonl --report bench.html[/bold]
    """
    if bench or file.suffix not in (".yaml", ".yml"):
        _without(context, _OF_RUN, f"{file} holds rows" if not bench else "--bench tests a reward model on rows")
        _bench(model, file, report, (rows, category, edited, skip_long, step_threshold, chat, device), json)
        return
    _without(context, _OF_ROWS, f"{file} is the file of a run")
    _answers(model, file, overrides, n, temperature, threshold, seed, device, json)


def _without(context, names, why):
    """Refuse options of the other of the two jobs, which would have no effect."""
    from guerdon.errors import InputError

    for parameter in context.command.params:
        if parameter.name in names and _is_given(context, parameter.name):
            called = "the override" if parameter.name == "overrides" else parameter.opts[0]
            said = f" {context.params['overrides'][0]!r}" if parameter.name == "overrides" else ""
            raise InputError(f"{called}{said} has no effect here, because {why}; leave it out")


def _is_given(context, name):
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _bench(model, file, report, asked, json):
    from guerdon.errors import InputError
    from guerdon.interfaces.benching import Asked, bench
    from guerdon.interfaces.benching.page import write
    from guerdon.interfaces.benching.tables import show
    from guerdon.interfaces.cli._printing import as_json, asides, console

    if file.suffix in (".yaml", ".yml"):
        raise InputError(
            f"--bench: {file} is the file of a run, and a reward model is tested on rows (.jsonl, .json, .csv, .parquet ...); give these, or leave --bench out"
        )
    if report is not None and report.is_dir():
        raise InputError(f"--report: {report} is a folder; give the name of a file, such as {report / 'bench.html'}")
    found = bench(model, str(file), Asked(*asked, quiet=json))
    page = write(found, report) if report is not None else None
    if json:
        hidden = ("margins",)
        as_json({name: value for name, value in found.items() if name not in hidden} | ({"report": str(page)} if page else {}))
        return
    show(found, console)
    asides(found)
    if page is not None:
        typer.echo(f"written: {page}", err=True)


def _answers(model, file, overrides, n, temperature, threshold, seed, device, json):
    """A policy answers the held-out rows of a run's task."""
    import numpy as np

    from guerdon.errors import InputError
    from guerdon.evaluation.metrics.pass_at_k import PassAtK
    from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
    from guerdon.evaluation.statistics.wilson import Wilson
    from guerdon.interfaces.cli._printing import as_json, console
    from guerdon.interfaces.cli._processes import on_processes
    from guerdon.thresholds import reaches
    from guerdon.training.display import Silent, Terminal

    temperature = (0.0 if n == 1 else 1.0) if temperature is None else temperature
    if n > 1 and temperature == 0:
        raise InputError("--temperature: it is 0, so all answers to a row are the same; raise it, or ask for one answer")
    with on_processes(file, overrides or []) as (configuration, processes):
        display = Terminal() if processes.first and not json else Silent()
        asked, found = _found(configuration, file, model, n, temperature, seed, device, display)
        if not processes.first:
            return
    answered = [row for row in found if row["scores"]]
    if not answered:
        raise InputError("reward: none could be computed for any row; look at it with guerdon check")
    right = np.array([sum(reaches(score, threshold) for score in row["scores"]) for row in answered])
    count = np.array([len(row["scores"]) for row in answered])
    result = {"rows": len(answered), "answers": int(count.sum()), "left_out": asked - int(count.sum()), "temperature": temperature}
    share = right / count
    interval = Wilson()(share) if n == 1 else BootstrapMean()(share)
    reward = BootstrapMean()(np.array([np.mean(row["scores"]) for row in answered]))
    result |= {"accuracy": dict(interval._asdict()), "reward": dict(reward._asdict())}
    result["mean_length"] = float(np.mean([length for row in answered for length in row["lengths"]]))
    ks = [k for k in (1, 2, 4, 8, 16, 32, 64, 128, 256) if k <= count.min()]
    if n > 1:
        result["pass"] = {f"pass@{k}": dict(BootstrapMean()(PassAtK(k)(right, count))._asdict()) for k in ks}
    if "attempts" in answered[0]:  # the policy may answer again: how each of its answers did, where it was made
        each = np.array([attempts for row in answered for attempts in row["attempts"]])
        made = ~np.isnan(each)
        result["attempts"] = [float(reaches(each[own, k], threshold).mean()) for k, own in enumerate(made.T) if own.any()]
    if json:
        as_json(result)
        return
    shown = {"accuracy": interval, "reward": reward} | {name: type(interval)(**value) for name, value in result.get("pass", {}).items()}
    console.print(f"{result['rows']} held-out rows, {n} answer{'s' if n > 1 else ''} each, temperature {temperature:g}")
    for name, estimate in shown.items():
        console.print(f"  {name:<10}{estimate.value + 0:.4f}  (95 % interval {estimate.low + 0:.4f} to {estimate.high + 0:.4f})")
    for k, share in enumerate(result.get("attempts", []), 1):
        console.print(f"  {f'attempt {k}':<10}{share:.4f}  of those that were made")
    console.print(f"  mean length {result['mean_length']:.1f} tokens")
    if result["left_out"]:
        console.print(f"  {result['left_out']} answers could not be rewarded and are left out")


def _found(configuration, file, model, n, temperature, seed, device, display):
    """How many answers were asked for, and the rows with those that could be rewarded."""
    import dataclasses

    from guerdon.acting.samplers.group import Group
    from guerdon.errors import InputError
    from guerdon.interfaces.preparing import Prepared, built, settled
    from guerdon.interfaces.sifting import forgiven, held_out_sound, told_of
    from guerdon.models.language.language_model import LanguageModel
    from guerdon.parts import needs
    from guerdon.training.jobs import scene_for
    from guerdon.training.loops.search import search

    settings = settled(_acting(configuration))
    if (
        settings.recipe is not None and settings.recipe.intrinsic
    ):  # of no use to tell right from wrong: the answers are judged by what reads them
        settings = dataclasses.replace(settings, recipe=dataclasses.replace(settings.recipe, intrinsic={}, combine=_weigh()))
    if settings.task is None:
        raise InputError(f"task: {file} names none")
    if hasattr(settings.task, "reward_of"):
        raise InputError("task: a finite world has no held-out rows of text; see guerdon atlas")
    prepared = Prepared(settings, "improve", None, settings.task)
    task = forgiven(settings.task, prepared.drop)
    rows = task.test()
    if not len(rows):
        raise InputError("task: no rows are held out; set task.held_out or task.test_path")
    prepared.model = built(LanguageModel(model, device=device), seed)
    if prepared.drop:
        rows, notes = held_out_sound(rows, prepared.encoder, prepared.drop)
        for note in told_of(task) + notes:
            display.say(note)
    rows = [rows[i] for i in range(min(len(rows), settings.budget.evaluation_rows))]
    scene = scene_for(
        prepared.model, settings.task, settings.reward.functions, {}, prepared.room, prepared.truncate, settings.reward.options
    )
    scene.knows(rows)
    try:
        combine = settings.recipe.combine if settings.recipe else _weigh()
        decoding = dataclasses.replace(settings.decoding, temperature=temperature)
        sampler = settings.recipe.sampler if settings.recipe else Group()
        again = bool(needs(sampler) & {"conversation", "episodes"})
        sampler = dataclasses.replace(getattr(sampler, "unbranched", sampler), num_generations=n, engine=None) if again else Group(n)
        found = search(prepared.model, scene, rows, sampler, combine, decoding, seed, display=display)
    finally:
        scene.close()
    return len(rows) * n, found


def _acting(configuration):
    """The sections that are evaluated: those of the last stage that acts, or the configuration's own."""
    acting = [stage for stage in configuration.stages.values() if stage.loop == "improve"]
    return acting[-1] if acting else configuration


def _weigh():
    from guerdon.feedback.combining.weigh import Weigh

    return Weigh()
