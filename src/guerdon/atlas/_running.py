"""Running: measure a system's experiment seed by seed, on seeds that one may look at as often as one likes (``run``), or on seeds that nobody has seen (``confirm``)."""

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from guerdon.atlas._claims import Numbers
from guerdon.atlas._evidence import Confirmation, Evidence, evidence_path, kept
from guerdon.atlas._fingerprint import CONFIRMING, fingerprint, unseen_seeds
from guerdon.atlas._system import Entry, find
from guerdon.atlas._tuning import Setting, middle, tuned
from guerdon.atlas._verdict import Verdict, withheld
from guerdon.atlas._working import Call, Workers, cores
from guerdon.errors import InputError, RunFailed

Measured = Mapping[str, Mapping[str, float | Mapping[float, float]]]
Settings = Mapping[str, Setting]
RUNS = Path("runs/atlas")
NOT_TUNED = "its best setting lies at the edge of what was tried"


def run(
    slug: str, scale: str = "full", jobs: int | None = None, folder: Path | str = RUNS, quiet: bool = False, seeds: int | None = None
) -> Evidence:
    """Explore: run a system's experiment on the seeds 0, 1, 2 ... (at most ``seeds``), print the table and what the claims would come to, draw the plot into
    ``folder/slug`` and keep the numbers there. No verdict is drawn.

    ``jobs`` is the number of processes, by default one per core; each computes with one thread, so that the numbers do not
    depend on it. Arms are tuned first where they have not been (at smoke scale they stand in the middle of their grids).
    """
    from guerdon.atlas._drawing import draw, report

    entry = find(slug)
    evidence = _measured(entry, scale, tuple(entry.seeds(scale)[:seeds]), jobs, quiet)
    plot = draw(entry, evidence, Path(folder) / entry.slug)
    evidence.write(Path(folder) / entry.slug / f"{scale}.json")
    if not quiet:
        report(entry, evidence, plot)
    return evidence


def confirm(slug: str, jobs: int | None = None, folder: Path | str = RUNS, quiet: bool = False) -> Evidence:
    """Draw the verdict, on seeds that follow from the fingerprint of what is measured: nobody can have seen them, and every change of world, arm or claim brings others.
    The evidence is kept beside the system's file, with the history of all confirmations.

    Raises:
        InputError: the file does not say what is tuned, or why nothing is.
    """
    from guerdon.atlas._drawing import draw, report

    entry = find(slug)
    if not entry.grid and not entry.system.untuned:
        raise InputError(
            f"{entry.slug} cannot be confirmed: its file says neither what is tuned (GRID) nor why nothing is (System(untuned=...))"
        )
    before = kept(entry)
    settings = tuned(entry, jobs, quiet).chosen if entry.grid else {}
    what = _never_seen(fingerprint(entry), settings, before)
    evidence = _measured(entry, "full", unseen_seeds(what, CONFIRMING, entry.count("full")), jobs, quiet)
    now = Confirmation(what, evidence.date, len(evidence.seeds), evidence.verdict.outcome)
    earlier = tuple(c for c in (before.history if before else ()) if c.source != what)
    evidence = replace(evidence, history=(*earlier, now))
    plot = draw(entry, evidence, Path(folder) / entry.slug)
    evidence.write(evidence_path(entry))
    if not quiet:
        report(entry, evidence, plot)
    return evidence


def _never_seen(source: str, settings: Settings, before: Evidence | None) -> str:
    """What the seeds follow from: the fingerprint, and the settings too where it has been confirmed before with others (tuned again, say)."""
    last = [c.source for c in before.history if c.source.startswith(source)] if before else []
    if not last or before.tuned == settings:
        return last[-1] if last and before.source == source else source
    return f"{source}-{hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]}"


def _measured(entry: Entry, scale: str, seeds: Sequence[int], jobs: int | None, quiet: bool) -> Evidence:
    started = time.monotonic()
    settings, at_edge = middle(entry), ()
    if entry.grid and scale != "smoke":
        found = tuned(entry, jobs, quiet)
        settings, at_edge = found.chosen, tuple(found.at_edge)
    numbers = measure(entry, scale, jobs, quiet, seeds, settings)
    verdict = withheld(judge(entry, numbers), at_edge, NOT_TUNED)
    seconds = round(time.monotonic() - started, 2)
    return Evidence(entry.slug, scale, tuple(seeds), numbers, verdict, fingerprint(entry), seconds, dict(settings))


def judge(entry: Entry, numbers: Numbers) -> Verdict:
    """What ``numbers`` say of the system's claim."""
    return entry.claim.judge(numbers, exact=entry.system.exact)


def measure(
    entry: Entry,
    scale: str,
    jobs: int | None = None,
    quiet: bool = True,
    seeds: Sequence[int] | None = None,
    settings: Settings | None = None,
) -> Numbers:
    """The numbers of every seed (by default those of ``scale``), gathered; the arms at ``settings`` (by default in the middle of their grids)."""
    seeds = entry.seeds(scale) if seeds is None else seeds
    settings = middle(entry) if settings is None else settings
    threads = None if scale == "gpu" else 1
    calls = [Call("guerdon.atlas._running", "experiment", (entry.slug, seed, scale, settings), {}, threads) for seed in seeds]
    with Workers(min(jobs or (cores() if scale == "full" else 1), len(seeds)), quiet) as workers:
        return gather(workers.all(calls, entry.slug))


def experiment(slug: str, seed: int, scale: str, settings: Settings) -> Measured:
    """One seed of a system's experiment."""
    return find(slug).experiment(seed, scale, settings)


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
