"""What ``train`` and ``fit`` have in common: print the configuration, run, save, report, say where everything is."""

import dataclasses
import re
from collections.abc import Sequence
from json import loads
from pathlib import Path
from typing import Any

from guerdon.errors import RunFailed
from guerdon.interfaces.cli._printing import as_json, console, figures
from guerdon.interfaces.cli._processes import idle, on_processes


def loop(path: Path, overrides: Sequence[str], which: str, json: bool) -> None:
    """Run the loop called ``which`` (or the stages) of a configuration, on as many processes as it says, or as there are."""
    from guerdon.interfaces.configuration import dump
    from guerdon.interfaces.preparing import keeping, open_to_one, run_folder

    with on_processes(path, overrides) as (configuration, processes):
        folder = run_folder(configuration, path)
        configuration = dataclasses.replace(configuration, run=str(folder))
        if not json and processes.first:
            console.print(dump(configuration), markup=False, soft_wrap=True)
        with open_to_one(folder):
            if configuration.stages:
                model, histories = _stages(configuration, folder, keeping)
            else:
                model, histories = _one(configuration, which, folder, keeping)
            processes.from_first(lambda: finish(folder, model, histories, json))
            processes.from_first(lambda: refuse_unrewarded(folder, histories))


def _display() -> Any:
    """What the first process shows."""
    from guerdon.processes import here
    from guerdon.training.display import Silent, Terminal

    return Terminal() if here().first else Silent()


def _one(configuration: Any, which: str, folder: Path, keeping: Any) -> tuple[Any, dict[str, list]]:
    from guerdon.interfaces.preparing import offering_to_drop, prepare
    from guerdon.processes import here

    display = _display()
    with offering_to_drop(configuration):
        prepared = here().at_once(lambda: prepare(configuration, which, display=display))
        for note in [*prepared.notes, *idle(configuration.budget.rows, here().count)]:
            display.say(note)
        with keeping(configuration, folder) as notes:
            for note in notes:
                display.say(note)
            out = prepared.job(prepared.model, {}, configuration.budget.seed, folder, display)
    return out.model, {which: out.history}


def _stages(configuration: Any, folder: Path, keeping: Any) -> tuple[Any, dict[str, list]]:
    from guerdon.interfaces.preparing import offering_to_drop, prepare
    from guerdon.processes import here
    from guerdon.training.stages import Pipeline, Stage

    display = _display()
    seed = configuration.budget.seed
    made = []
    for name, stage in configuration.stages.items():
        with offering_to_drop(stage):
            start = stage.model or configuration.model
            prepared = here().at_once(lambda s=stage, n=name, m=start: prepare(s, s.loop, f"stages.{n}", m, seed, display))
        for note in [*prepared.notes, *idle(stage.budget.rows, here().count)]:
            display.say(f"{name}: {note}")
        made.append(Stage(name, prepared.job, stage.start))
    with offering_to_drop(*configuration.stages.values()), keeping(configuration, folder) as notes:
        for note in notes:
            display.say(note)
        done = Pipeline(configuration.model, *made).run(seed, folder, display, cached=False)
    return done[made[-1].name].model, {name: out.history for name, out in done.items()}


def finish(folder: Path, model: Any, histories: dict[str, list], json: bool) -> None:
    """Save the model, write the report, and say what came out and where it is."""
    from guerdon.interfaces.card import write as write_card
    from guerdon.interfaces.report import write

    saved = folder / "model"
    model.save(saved)
    write_card(folder, saved)
    stages = list(histories) if len(histories) > 1 else []
    reports = [write(folder / name if stages else folder) for name in (stages or [""])]
    results = {name: before_and_after(history) for name, history in histories.items()}
    best = {name: found for name in histories if (found := best_of(folder / name if stages else folder))}
    if json:
        shown = {name: {"before": before, "after": after} for name, (before, after) in results.items()}
        for name, found in best.items():
            shown[name]["best"] = found
        as_json({"run": str(folder), "model": str(saved), "report": str(reports[-1]), "stages": shown})
        return
    for name, (before, after) in results.items():
        if stages:
            console.print(f"\n[bold]{name}[/bold]")
        figures(before, after)
    skipped = sum(row.get("skipped_steps", 0) for history in histories.values() for row in history)
    if skipped:
        console.print(f"{skipped:.0f} steps were skipped because the loss or the gradient was not finite")
    for name, history in histories.items():
        if failed := sum(row.get("rewards/failed", 0.0) for row in history if row["step"] > 0):
            share = failed / sum("rewards/failed" in row for row in history if row["step"] > 0)
            console.print(
                f"{share:.1%} of the completions{f' of {name}' * bool(stages)} had no reward, as one failed or none applied to them, and taught nothing; the "
                "report shows them"
            )
        alike = [row["frac_reward_zero_std"] for row in history if row["step"] > 0 and "frac_reward_zero_std" in row]
        if alike and min(alike) == 1:
            console.print(
                f"in no group{f' of {name}' * bool(stages)} did one answer get another reward than the others, at any of {len(alike)} steps, so that nothing "
                "was learned by comparing them; guerdon check shows how often each reward differs"
            )
        empty, steps = sum("empty_steps" in row for row in history), sum(row["step"] > 0 for row in history)
        if empty:
            console.print(
                f"{empty} of {steps} steps{f' of {name}' * bool(stages)} had nothing to learn from: no group whose answers differ in reward, or no pair of "
                "which the judge preferred an answer"
            )
    console.print(f"\nrun     {folder}\nmodel   {saved}\nreport  {', '.join(map(str, reports))}", markup=False, soft_wrap=True)
    for found in best.values():
        console.print(
            f"best    {found['model']} (step {found['step']}, {found['metric']} {found['value']:.4g})", markup=False, soft_wrap=True
        )
    console.print("\nnext", style="bold")
    for idea in [*_ideas(model, saved, folder), f"guerdon report {reports[-1].parent}"]:
        console.print(f"  {idea}", markup=False, soft_wrap=True)


def refuse_unrewarded(folder: Path, histories: dict[str, list]) -> None:
    """A run whose rewards, judges or environments never worked has failed, whatever it has saved.

    Raises:
        RunFailed: not one completion of a run, or of a stage of it, had a reward, and not for the reason that none applies.
    """
    from guerdon.feedback.running import INAPPLICABLE

    for name, history in histories.items():
        failed = [row["rewards/failed"] for row in history if row["step"] > 0 and "rewards/failed" in row]
        rows = (folder / name if len(histories) > 1 else folder) / "completions.jsonl"
        if failed and min(failed) == 1 and rows.exists():
            with rows.open() as lines:
                errors = (loads(line).get("error") or INAPPLICABLE for line in lines)
                why = next((error for error in errors if not error.startswith(INAPPLICABLE)), None)
            if why:
                raise RunFailed(f"no completion had a reward, so that nothing was learned; the first error was: {why}")


def _ideas(model: Any, saved: Path, folder: Path) -> list[str]:
    """What can be done with the saved model from the command line; nothing with heads for people, which another configuration names."""
    from guerdon.models.heads._reading import columns_of

    if hasattr(model, "sample"):
        return [f"guerdon sample {saved} --prompt '...'", f"guerdon evaluate {saved} {folder / 'configuration.yaml'}"]
    head = getattr(model, "head", None)
    if head is None or columns_of(head):
        return []
    if "score" in model.measures:
        return [f"guerdon score {saved} rows.jsonl"]
    return [f"guerdon score {saved} rows.jsonl --steps minimum"] if "step_score" in model.measures else []


def best_of(folder: Path) -> dict[str, Any]:
    """The best model of a run by the metric that it was asked for, with the step and what was measured; nothing where it was not asked for."""
    from json import loads

    from guerdon.training.best import LINK

    told = folder / LINK / "best.json"
    return {"model": str(folder / LINK), **loads(told.read_text())} if told.exists() else {}


_SHOWN = ("eval/reward", "eval/loss", "eval/rewards/accuracies", "eval/rewards/margins", "eval/completions/mean_length")


def before_and_after(history: list[dict[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """The held-out figures of the first and the last evaluation; without held-out rows, those of the first and last tenth of the steps."""
    evaluated = [row for row in history if any(name.startswith("eval/") for name in row)]
    if len(evaluated) > 1:
        each = re.compile(r"eval/(rewards/.+/mean|attempts/(right_\w+|wrong_to_right))")
        names = [n for n in evaluated[0] if n in _SHOWN or each.fullmatch(n)]
        return tuple({n: row[n] for n in names if n in row} for row in (evaluated[0], evaluated[-1]))
    steps = [row for row in history if row.get("step", 0) > 0]
    tenth = max(len(steps) // 10, 1)
    names = [n for n in ("loss", "reward", "rewards/accuracies", "rewards/margins", "kl") if steps and n in steps[-1]]
    return tuple({n: sum(row[n] for row in some if n in row) / len(some) for n in names} for some in (steps[:tenth], steps[-tenth:]))
