"""Running: measure every seed of a system's experiment, judge the claim, show and keep what came out."""

import math
import multiprocessing
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import torch

from guerdon.atlas._claims import Numbers, Verdict
from guerdon.atlas._evidence import Evidence, cores, evidence_path, fingerprint
from guerdon.atlas._system import Entry, find
from guerdon.errors import RunFailed

Measured = Mapping[str, Mapping[str, float | Mapping[float, float]]]
RUNS = Path("runs/atlas")


def run(slug: str, scale: str = "full", jobs: int | None = None, folder: Path | str = RUNS, quiet: bool = False) -> Evidence:
    """Run a system's experiment on all seeds of ``scale``, print table and verdict, draw the plot into ``folder/slug``.

    The evidence is kept beside the system's file, except that of ``smoke``, which shows only that the experiment runs.
    ``jobs`` is the number of processes, by default one per core; each computes with one thread, so that the numbers do not
    depend on it.
    """
    from guerdon.atlas._drawing import draw, report

    entry = find(slug)
    started = time.monotonic()
    numbers = measure(entry, scale, jobs, quiet)
    seconds = round(time.monotonic() - started, 2)
    verdict = judge(entry, numbers)
    evidence = Evidence(entry.slug, scale, tuple(entry.seeds(scale)), numbers, verdict, fingerprint(entry), seconds)
    plot = draw(entry, evidence, Path(folder) / entry.slug)
    if not quiet:
        report(entry, evidence, plot)
    if scale != "smoke":
        evidence.write(evidence_path(entry))
    return evidence


def judge(entry: Entry, numbers: Numbers) -> Verdict:
    """The verdict of ``numbers`` on the system's claim."""
    return entry.claim.judge(numbers, exact=entry.system.exact)


def measure(entry: Entry, scale: str, jobs: int | None = None, quiet: bool = True) -> Numbers:
    """The numbers of every seed of ``scale``, gathered."""
    seeds = entry.seeds(scale)
    jobs = min(jobs or (cores() if scale == "full" else 1), len(seeds))
    outcomes = _one_by_one(entry, seeds, scale) if jobs == 1 else _in_processes(entry, seeds, scale, jobs)
    measured = dict(outcomes if quiet else _with_progress(entry, outcomes, len(seeds)))
    return gather([measured[seed] for seed in seeds])


def gather(measured: Sequence[Measured]) -> Numbers:
    """One dictionary per seed → one list over seeds for each number."""
    first = measured[0]
    for seed, other in enumerate(measured):
        if _shape(other) != _shape(first):
            raise RunFailed(
                f"seed {seed} measured {_shape(other)}, seed 0 measured {_shape(first)}; an experiment measures the same each time"
            )
    return {
        arm: {
            name: {float(x): [_finite(m[arm][name][x], arm, name) for m in measured] for x in value}
            if isinstance(value, Mapping)
            else [_finite(m[arm][name], arm, name) for m in measured]
            for name, value in measures.items()
        }
        for arm, measures in first.items()
    }


def _finite(value: float, arm: str, name: str) -> float:
    value = float(value)
    if not math.isfinite(value):
        raise RunFailed(f"{name} of {arm} is {value}; an experiment measures finite numbers, so it has to say what a divergence counts as")
    return value


def _shape(measured: Measured) -> dict[str, dict[str, list | None]]:
    return {a: {n: list(v) if isinstance(v, Mapping) else None for n, v in measures.items()} for a, measures in measured.items()}


def _experiment(module_name: str, seed: int, scale: str) -> Measured:
    import importlib

    before = torch.get_num_threads()
    if scale != "gpu":
        torch.set_num_threads(1)
    try:
        return importlib.import_module(module_name).experiment(seed, scale)
    finally:
        torch.set_num_threads(before)


def _one_by_one(entry: Entry, seeds: Iterable[int], scale: str):
    for seed in seeds:
        yield seed, _experiment(entry.module_name, seed, scale)


def _in_processes(entry: Entry, seeds: Iterable[int], scale: str, jobs: int):
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(_experiment, entry.module_name, seed, scale): seed for seed in seeds}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _with_progress(entry: Entry, outcomes: Iterable, total: int):
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("seeds"), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(entry.slug, total=total)
        for outcome in outcomes:
            yield outcome
            progress.advance(task)
