"""The summary: what each setting is worth over its seeds, and how likely a run of it is better than one of the first setting."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.evaluation.statistics import Estimate
from guerdon.evaluation.statistics.probability_of_improvement import ProbabilityOfImprovement
from guerdon.evaluation.statistics.stratified_bootstrap import StratifiedBootstrap
from guerdon.interfaces.report.figures import SCALARS
from guerdon.interfaces.report.reading import Record, read
from guerdon.interfaces.sweeping.grid import Planned

# What is looked at where nothing is named: held-out figures first, then those of the training steps.
LOWER = {name for name, (_, _, lower, _) in SCALARS.items() if lower} | {"loss"}
USUAL = (*SCALARS, "reward", "rewards/accuracies", "loss")
FEWEST = 3  # runs of which an interval is given


@dataclass(frozen=True)
class Setting:
    """One row: the interquartile mean over seeds, and the probability that a run of it is better than a run of the first setting."""

    name: str
    values: list[float]
    mean: Estimate
    improvement: Estimate | None


@dataclass(frozen=True)
class Summary:
    metric: str
    lower_is_better: bool
    settings: list[Setting]
    of_run: dict[Path, float]  # by the run's folder


def summary(runs: Sequence[Planned], metric: str = "") -> Summary | None:
    """What finished runs say, None where there is nothing to say.

    Raises:
        InputError: the metric was not logged by any of them.
    """
    records = {run.folder: read(run.folder)[-1] for run in runs}
    logged = {name for record in records.values() for name in record.names()}
    if metric and runs and metric not in logged:
        raise InputError(f"--metric: {unknown('metric', metric, sorted(logged))}")
    metric = metric or next((name for name in USUAL if name in logged), "")
    of_run = {folder: value for folder, record in records.items() if (value := value_of(record, metric)) is not None}
    if not of_run:
        return None
    by_setting: dict[str, list[float]] = {}
    for run in runs:
        if run.folder in of_run:
            by_setting.setdefault(run.setting, []).append(of_run[run.folder])
    first = next(iter(by_setting.values()))
    sign = -1 if metric in LOWER else 1
    rows = []
    for name, values in by_setting.items():
        improvement = None if values is first else _improvement(sign * np.array(values), sign * np.array(first))
        rows.append(Setting(name, values, _mean(values), improvement))
    return Summary(metric, metric in LOWER, rows, of_run)


def value_of(record: Record, metric: str) -> float | None:
    """A metric at the end: of the last evaluation; of one that is logged at every step, the mean of the last tenth."""
    values = record.series(metric)[1]
    if not values:
        return None
    last = 1 if metric.startswith("eval/") else max(len(values) // 10, 1)
    return float(np.mean(values[-last:]))


def _mean(values: list[float]) -> Estimate:
    return _with_interval(StratifiedBootstrap(), np.array(values))


def _improvement(values: np.ndarray, first: np.ndarray) -> Estimate:
    return _with_interval(StratifiedBootstrap(ProbabilityOfImprovement()), values, first)


def _with_interval(bootstrap: StratifiedBootstrap, *values: np.ndarray) -> Estimate:
    """Resampling says nothing of how far one or two runs are from others."""
    found = Estimate(*map(float, bootstrap(*values)))
    return found if min(map(len, values)) >= FEWEST else Estimate(found.value, math.nan, math.nan)
