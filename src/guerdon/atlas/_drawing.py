"""Drawing: the table, the verdict and the plot of a system's evidence."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from guerdon.atlas._claims import Numbers
from guerdon.atlas._evidence import Evidence
from guerdon.atlas._system import Entry
from guerdon.atlas._verdict import EQUAL, FAILS, HOLDS, UNDECIDED, Verdict, leaves, seeds_needed
from guerdon.evaluation.statistics import Estimate
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean

COLOURS = {HOLDS: "green", FAILS: "red", EQUAL: "cyan"}


def report(entry: Entry, evidence: Evidence, plot: Path) -> None:
    """Print the table of means with their intervals over seeds, and what each claim comes to: the verdict where it was confirmed."""
    from rich.console import Console

    console = Console()
    console.print(f"\n[bold]{entry.system.title}[/bold]  {entry.system.link}", highlight=False)
    for table in tables(evidence.numbers):
        console.print(table)
    for arm, setting in evidence.tuned.items():
        console.print(
            f"  tuned: {arm}: {', '.join(f'{name} {value:g}' if isinstance(value, float) else f'{name} {value}' for name, value in setting.items())}",
            highlight=False,
        )
    for leaf in leaves(evidence.verdict):
        console.print(f"  {_coloured(leaf.outcome)}  {leaf.claim}{_interval(leaf)}{_remarks(leaf)}", highlight=False)
    seeds = f"{len(evidence.seeds)} seed{'s' if len(evidence.seeds) != 1 else ''}"
    exact = ", exact" if entry.system.exact else ""
    about = f"({evidence.scale}, {seeds}{exact}, {evidence.duration_s:.1f} s)"
    if evidence.history:
        console.print(f"Verdict: {_coloured(evidence.verdict.outcome)} {about}")
    else:
        console.print(f"Explored {about}: no verdict; guerdon atlas confirm {entry.slug} draws it, on seeds that nobody has seen")
    if entry.system.note:
        console.print(f"Note: {entry.system.note}", highlight=False)
    console.print(f"Plot: {plot}", highlight=False)


def tables(numbers: Numbers) -> list:
    """One table for what is a number, arms in rows and measures in columns; one for each curve, its points in columns."""
    from rich.table import Table

    by_measure: dict[str, dict[str, list[float] | Mapping]] = {}
    for arm, measures in numbers.items():
        for name, series in measures.items():
            by_measure.setdefault(name, {})[arm] = series
    curves = {name: arms for name, arms in by_measure.items() if any(isinstance(series, Mapping) for series in arms.values())}
    drawn = []
    plain = [name for name in by_measure if name not in curves]
    if plain:
        drawn.append(Table("arm", *plain))
        for arm in numbers:
            drawn[-1].add_row(arm, *(_mean(by_measure[name][arm]) if arm in by_measure[name] else "" for name in plain))
    for name, arms in curves.items():
        points = sorted({x for series in arms.values() for x in series})
        drawn.append(Table(name, *(f"{x:g}" for x in points)))
        for arm, series in arms.items():
            drawn[-1].add_row(arm, *(_mean(series[x]) if x in series else "" for x in points))
    return drawn


def draw(entry: Entry, evidence: Evidence, folder: Path) -> Path:
    """One panel per measure: curves with a band over seeds, or one dot per seed. Returns the file."""
    from matplotlib.figure import Figure

    measures = list(dict.fromkeys(name for arm in evidence.numbers.values() for name in arm))
    figure = Figure(figsize=(4.2 * len(measures), 3.4), layout="constrained")
    for i, name in enumerate(measures):
        axes = figure.add_subplot(1, len(measures), i + 1, title=name)
        arms = {arm: series[name] for arm, series in evidence.numbers.items() if name in series}
        for place, (arm, series) in enumerate(arms.items()):
            if isinstance(series, Mapping):
                _curve(axes, arm, series)
            else:
                axes.plot([place] * len(series), series, "o", alpha=0.4)
                axes.plot([place], [np.mean(series)], "_", markersize=24, color="black")
        if any(isinstance(series, Mapping) for series in arms.values()):
            axes.legend()
        else:
            axes.set_xticks(range(len(arms)), arms, rotation=20)
    figure.suptitle(f"{entry.slug}: {evidence.verdict.outcome} ({len(evidence.seeds)} seeds, {evidence.scale})")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{evidence.scale}.png"
    figure.savefig(path, dpi=110)
    return path


def _curve(axes, arm: str, series: Mapping[float, list[float]]) -> None:
    x = sorted(series)
    estimates = [_estimate(series[point]) for point in x]
    (line,) = axes.plot(x, [e.value for e in estimates], marker=".", label=arm)
    if all(math.isfinite(e.low) for e in estimates):
        axes.fill_between(x, [e.low for e in estimates], [e.high for e in estimates], alpha=0.2, color=line.get_color())
    if x[0] > 0 and x[-1] / x[0] > 20:
        axes.set_xscale("log")


def _estimate(values) -> Estimate:
    return BootstrapMean(resamples=2000)(values)


def _mean(values) -> str:
    estimate = _estimate(values)
    if estimate.low == estimate.high or not math.isfinite(estimate.low):
        return f"{estimate.value:.4g}"
    return f"{estimate.value:.4g} ± {(estimate.high - estimate.low) / 2:.2g}"


def _remarks(leaf: Verdict) -> str:
    """What else has to be known of a claim: that nothing could be said, that it could not fail, how many seeds decide it."""
    said = [leaf.why] if leaf.why else []
    said += ["by construction"] if leaf.by_construction else []
    needed = seeds_needed(leaf)
    said += [f"{needed} seeds would decide an effect of {leaf.effect:g}"] if needed and leaf.outcome == UNDECIDED else []
    return f"  ({'; '.join(said)})" if said else ""


def _interval(verdict: Verdict) -> str:
    if verdict.low is None:
        return "" if verdict.estimate is None else f": {verdict.estimate:.4g}"
    return f": {verdict.estimate:.4g} [{verdict.low:.4g}, {verdict.high:.4g}]".replace("[", r"\[")


def _coloured(outcome: str) -> str:
    return f"[{COLOURS.get(outcome, 'yellow')}]{outcome}[/]"
