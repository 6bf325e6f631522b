"""``guerdon sweep``: every combination of some values, a run each."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import File, Json

NEEDS_ARGUMENTS = True


def command(
    file: File,
    values: Annotated[
        list[str],
        typer.Argument(
            help="Overrides with several values: name=value,value or name=first..last; those of seed are repetitions.", show_default=False
        ),
    ],
    jobs: Annotated[int, typer.Option(min=1, help="Processes at once.")] = 1,
    metric: Annotated[
        str, typer.Option(help="The figure of the table. Default: the held-out one, as far as there is one.", show_default=False)
    ] = "",
    json: Json = False,
) -> None:
    """Train every combination of some values, and print a table over the settings: the interquartile mean over seeds and the probability of being better
    than the first setting. Finished runs are not run again, others go on from their checkpoints, and several sweeps may share the folder.

    Example: [bold]guerdon sweep run.yaml learning_rate=1e-5,1e-4 seed=0..4 --jobs 2[/bold]
    """
    from guerdon.errors import RunFailed
    from guerdon.interfaces.cli._printing import as_json
    from guerdon.interfaces.comparing import compare, write
    from guerdon.interfaces.sweeping import Sweep, summary

    folder, runs, commands, wanted, behind = _planned(file, values)
    tell = (lambda run, what, seconds: None) if json else _teller(runs)
    sweep = Sweep(
        runs,
        lambda run: commands[run.folder],
        lambda run: _is_finished(run, wanted[run.folder], behind[run.folder]),
        jobs,
        lambda run: behind[run.folder],
        tell,
    )
    sweep()
    done = [run for run in runs if sweep.finished(run)]
    found = summary(done, metric)
    page = None
    if found is not None and len(found.settings) > 1:
        page = write(compare([run.folder for run in done], [run.setting for run in done]), folder / "comparison.html")
    if json:
        as_json(_result(folder, runs, done, sweep, found, page))
    else:
        _show(found, page, sweep, runs)
    if sweep.stopped:
        raise RunFailed(f"stopped: {len(done)} of {len(runs)} runs are finished; the same command goes on from there")
    if sweep.failed:
        raise RunFailed(f"{len(sweep.failed)} of {len(runs)} runs failed; the same command tries them again")


def _planned(file: Path, values: list[str]):
    """The folder of the sweep, its runs, and by folder what trains each, its configuration, and a digest of what that names. Refuses what no run could begin with.

    Raises:
        InputError: the file or one of the combinations cannot work; the sentence says which.
    """
    import dataclasses
    import sys

    from guerdon.errors import InputError
    from guerdon.interfaces.check import loop_of
    from guerdon.interfaces.configuration import read, refuse, tree_of
    from guerdon.interfaces.preparing import run_folder
    from guerdon.interfaces.sweeping import plan

    own = [text for text in values if text.startswith("run=")]
    rest = [text for text in values if not text.startswith("run=")]
    plain = read(file)
    whole = run_folder(plain, file)
    folder = Path(own[-1].removeprefix("run=")).expanduser() if own else whole.with_name(f"{whole.name}-sweep")
    runs = plan(rest, folder)
    commands, wanted, behind, known = {}, {}, {}, {}
    for run in runs:
        try:
            configuration = read(file, run.overrides)
            if configuration.stages:
                loop = "improve"
                for name, stage in configuration.stages.items():
                    refuse(stage, stage.loop, f"stages.{name}")
            else:
                loop = loop_of(configuration)
                refuse(configuration, loop)
        except InputError as error:
            raise InputError(f"{run.name}: {error}" if len(runs) > 1 else str(error)) from error
        verb = {"improve": "train", "fit": "fit"}[loop]
        commands[run.folder] = [sys.executable, "-m", "guerdon", verb, str(file), *run.overrides, f"run={run.folder}", "--json"]
        wanted[run.folder] = tree_of(dataclasses.replace(configuration, run=None))
        named = (configuration.task, configuration.model, configuration.reward, configuration.stages)
        if repr(named) not in known:
            known[repr(named)] = _behind(named)
        behind[run.folder] = known[repr(named)]
    return folder, runs, commands, wanted, behind


def _behind(named: object) -> str:
    """A digest of what lies behind the names in some settings; nothing where it cannot be read, which the run itself will say."""
    from guerdon.errors import InputError
    from guerdon.training.sources import of_named

    try:
        return of_named(named)
    except InputError:
        return ""


def _is_finished(run, wanted: dict, behind: str = "") -> bool:
    """Whether the run went to its end with the configuration that it has now, on the rows, the model and the code that this names now: its last act is to print
    where everything is."""
    import json

    from guerdon.interfaces.configuration import _yaml
    from guerdon.interfaces.sweeping.running import BEHIND, OUTPUT

    try:
        if (run.folder / BEHIND).is_file() and (run.folder / BEHIND).read_text() != behind:
            return False
        json.loads((run.folder / OUTPUT).read_text())
        kept = _yaml.parse((run.folder / "configuration.yaml").read_text(), "")
    except (OSError, ValueError):
        return False
    return kept == _yaml.parse(_yaml.text(wanted), "")


def _teller(runs):
    from guerdon.interfaces.cli._printing import console

    place = {run.folder: i + 1 for i, run in enumerate(runs)}

    def tell(run, what: str, seconds: float) -> None:
        took = f" after {seconds:.0f} s" if what != "started" else ""
        console.print(f"{place[run.folder]}/{len(runs)}  {run.name}  {what}{took}", markup=False, soft_wrap=True)

    return tell


def _show(found, page, sweep, runs) -> None:
    import math

    from rich.table import Table

    from guerdon.interfaces.cli._printing import Name, console

    def shown(e) -> str:
        return "" if e is None else f"{e.value:.3g}" + (f" ({e.low:.3g} to {e.high:.3g})" if math.isfinite(e.low) else "")

    if found is not None:
        better = "lower" if found.lower_is_better else "higher"
        console.print(
            f"\n[bold]{found.metric}[/bold] at the end, {better} is better; P(better): that a run is better than one of the first row"
        )
        table = Table("setting", "seeds", "IQM over seeds", "P(better)", box=None, pad_edge=False)
        for row in found.settings:
            table.add_row(Name(row.name), str(len(row.values)), shown(row.mean), shown(row.improvement))
        console.print(table)
    for run in runs:
        if run.folder in sweep.failed:
            console.print(f"{run.name} failed: {sweep.failed[run.folder]} (see {run.folder})", style="red", markup=False, soft_wrap=True)
    if page is not None:
        console.print(f"\ncurves and answers: {page}", markup=False, soft_wrap=True)


def _result(folder, runs, done, sweep, found, page) -> dict:
    import math

    def estimate(e):
        return None if e is None else {name: value if math.isfinite(value) else None for name, value in e._asdict().items()}

    status = {run.folder: "finished" if run in done else "failed" if run.folder in sweep.failed else "open" for run in runs}
    values = {} if found is None else found.of_run
    return {
        "folder": str(folder),
        "metric": None if found is None else found.metric,
        "lower_is_better": None if found is None else found.lower_is_better,
        "settings": []
        if found is None
        else [
            {"setting": s.name, "seeds": len(s.values), "iqm": estimate(s.mean), "improvement": estimate(s.improvement)}
            for s in found.settings
        ],
        "runs": [
            {
                "settings": dict(run.settings),
                "folder": str(run.folder),
                "status": status[run.folder],
                "value": values.get(run.folder),
                "error": sweep.failed.get(run.folder),
            }
            for run in runs
        ],
        "page": None if page is None else str(page),
    }
