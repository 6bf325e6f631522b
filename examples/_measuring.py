"""What the examples on real data share: folds, baselines, held-out figures."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from guerdon.errors import InputError, RunFailed
from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.evaluation.statistics import Estimate
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.feedback.text import whole_text
from guerdon.interfaces.configuration import Configuration
from guerdon.losses.pairwise import Pairwise
from guerdon.models import Model
from guerdon.randomness import derive
from guerdon.sequences import Example, collate
from guerdon.thresholds import reaches
from guerdon.training.jobs import scene_for
from guerdon.training.loops.search import search
from guerdon.training.measuring import attach_views, gather, micro_batches, shares_contexts, wanted_by


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """What a user can mend ends a script as it ends a command: in a sentence."""
    try:
        yield
    except (InputError, RunFailed) as error:
        print(error, file=sys.stderr)
        sys.exit(2 if isinstance(error, InputError) else 1)


def pair_scores(
    model: Model, pairs: Sequence[Example], loss: Pairwise, views: Mapping[str, Model] | None = None, tokens: int = 2048
) -> tuple[np.ndarray, np.ndarray]:
    """What ``loss`` compares, of both sides of every pair [N], under ``model`` and the models of its views."""
    names = wanted_by([loss])
    batch = collate(pairs)
    chosen, rejected = np.zeros(len(pairs)), np.zeros(len(pairs))
    with torch.no_grad():
        for rows in micro_batches(batch, tokens, shares_contexts(model)):
            some = batch.select(rows)
            attach_views(some, names, views or {}, tokens)
            scores = loss.scores(gather(some, names, model))
            chosen[rows.numpy()], rejected[rows.numpy()] = scores["chosen_score"].double(), scores["rejected_score"].double()
    return chosen, rejected


def length_only(train: Sequence[Mapping[str, Any]], test: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Right or wrong, for each pair of ``test``: a logistic regression on the difference of the answers' lengths, fitted on ``train``.

    Its likelihood is concave in its one weight and rises at 0 by half the mean difference, so that mean's sign is the weight's sign, and
    the sign is all that decides.
    """
    sign = np.sign(np.mean([_length(row["chosen"]) - _length(row["rejected"]) for row in train]))
    sides = ([sign * _length(row[side]) for row in test] for side in ("chosen", "rejected"))
    return PairAccuracy()(*sides)


def _length(completion: Any) -> int:
    return len(whole_text(completion))


def accuracy(chosen: np.ndarray, rejected: np.ndarray) -> Estimate:
    """Held-out pair accuracy with its 95 % interval."""
    return Wilson()(PairAccuracy()(chosen, rejected))


def fold_of(row: Mapping[str, Any], folds: int, seed: int) -> int:
    """Which fold a row is in: that of its prompt."""
    return derive(seed, "fold", json.dumps(row["prompt"], sort_keys=True)) % folds


def cross_validated(
    folds: np.ndarray, fitted: Callable[[np.ndarray], Any], measured: Callable[[Any, np.ndarray], np.ndarray]
) -> np.ndarray:
    """What is measured of each row [N, ...] by a model that was fitted to the other folds. Both functions take indices of rows."""
    out: dict[int, Any] = {}
    for fold in np.unique(folds):
        outside = np.flatnonzero(folds == fold)
        out |= zip(outside.tolist(), measured(fitted(np.flatnonzero(folds != fold)), outside), strict=True)
    return np.array([out[i] for i in range(len(folds))])


def answered(settings: Configuration, model: Any, sampler: Any, rows: Sequence[Mapping[str, Any]] | None = None) -> list[dict[str, Any]]:
    """What a model answers to each row (None: the held-out problems), sampled as in training: rows with ``completions`` and their ``scores``."""
    rows = [settings.task.test()[i] for i in range(len(settings.task.test()))] if rows is None else rows
    scene = scene_for(model, settings.task, settings.reward.functions, {}, running=settings.reward.options)
    try:
        return search(model, scene, rows, sampler, settings.recipe.combine, settings.decoding, seed=1)
    finally:
        scene.close()


def right(found: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """The share of right answers to each problem [P]."""
    return np.array([np.mean([reaches(score, 1.0) for score in row["scores"]]) for row in found])


def draw(folders: Sequence[Path], curves: Mapping[str, str], path: Path) -> None:
    """The curves of several runs, a thin line each, and their mean. ``curves``: metric → title."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    runs = [[json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()] for folder in folders]
    figure, axes = pyplot.subplots(1, len(curves), figsize=(4 * len(curves), 3), layout="constrained")
    for axis, (metric, title) in zip(axes, curves.items(), strict=True):
        series = [{row["step"]: row[metric] for row in run if metric in row} for run in runs]
        for one in series:
            axis.plot(list(one), list(one.values()), color="tab:blue", alpha=0.25, linewidth=0.8)
        common = sorted(set.intersection(*map(set, series)))
        mean = np.array([np.mean([one[step] for one in series]) for step in common])
        wide = min(5, len(mean))
        axis.plot(common[wide - 1 :], np.convolve(mean, np.ones(wide) / wide, mode="valid"), color="tab:blue")
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("step", fontsize=8)
    figure.savefig(path, dpi=150)


class Figures:
    """What is printed and kept: one line per figure, and ``figures.json``."""

    def __init__(self, folder: Path):
        self.folder, self.begun, self.kept = folder, time.perf_counter(), {}

    @property
    def minutes(self) -> float:
        """Since the beginning."""
        return round((time.perf_counter() - self.begun) / 60, 1)

    def say(self, name: str, value: Any) -> None:
        """Print one figure and remember it."""
        if isinstance(value, Estimate):
            shown = f"{value.value:.3f}  (95 % interval {value.low:.3f} to {value.high:.3f})"
            self.kept[name] = {"value": value.value, "low": value.low, "high": value.high}
        else:
            shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            self.kept[name] = value
        print(f"{name:<52} {shown}", flush=True)

    def close(self) -> None:
        """Say how long it took and write everything."""
        self.say("minutes", self.minutes)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "figures.json").write_text(json.dumps(self.kept, indent=2) + "\n")
