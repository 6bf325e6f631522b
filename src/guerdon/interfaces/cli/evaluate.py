"""``guerdon evaluate``: how often a model's answers to the held-out rows of a task are right."""

from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import File, Json, Overrides

NEEDS_ARGUMENTS = True


def command(
    model: Annotated[str, typer.Argument(help="A folder, a hub id or a GGUF file.", show_default=False)],
    file: File,
    overrides: Overrides = None,
    n: Annotated[int, typer.Option("-n", min=1, help="Answers to each row; more than one gives pass@k.")] = 1,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, help="Default: 0 (the most likely answer) for one answer, 1 for several.", show_default=False)
    ] = None,
    threshold: Annotated[float, typer.Option(help="A reward of so much is a right answer.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same answers.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    json: Json = False,
) -> None:
    """Answer the held-out rows of a run's task, and print the accuracy with its 95 % interval (and pass@k for several answers).

    Example: [bold]guerdon evaluate runs/sort_letters/model run.yaml evaluation_rows=512 -n 8[/bold]
    """
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
        again = "conversation" in needs(sampler)
        sampler = dataclasses.replace(sampler, num_generations=n, engine=None) if again else Group(n)
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
