"""Tuning: every arm gets the setting that is best for it, found with the same number of trials on seeds that no verdict uses.

    score(arm, setting) = mean over the tuning seeds of the measure TUNED_BY of trial(arm, seed, "full", **setting)

The arms are tuned in the order of ``GRID``, the baseline first. Each tries the whole product of its knobs' values. Scores within a hundredth of the range of
all of them are equally good, and the first of these that was tried is the best: where a score has levelled off, the setting is not driven ever further. While
the best value of a knob lies at an end of what was tried, the knob is extended by its own ratio (its own step, where a value is not positive), with the other
knobs at their best, at most four times. A knob that is at its edge all the same is *not tuned*, and with it its arm, unless the edge is a limit of the method
(``Knob.least``, ``Knob.most``). Arms that then have had fewer trials than another refine: half-way, on the knob's own scale, between the best and its
neighbours, until all have had as many.

Source: the same budget of trials for baseline and method: Dodge et al., arXiv 1909.03004; the rule about edges is ours.
"""

import importlib
import itertools
import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from guerdon.atlas._fingerprint import TUNING, tuning_fingerprint, unseen_seeds
from guerdon.atlas._system import Entry
from guerdon.atlas._working import Call, Workers, cores
from guerdon.errors import InputError, RunFailed

EXTENSIONS = 4
PLATEAU = 0.01  # of the range of an arm's scores: what is nearer to the best is as good
Setting = dict[str, Any]


@dataclass(frozen=True)
class Knob:
    """Values to be tried of one setting, in order, and the limits that the method itself has (a share cannot exceed 1, a weight can be 0)."""

    values: tuple[Any, ...]
    least: float | None = None
    most: float | None = None

    def beyond(self, best: Any, tried: Sequence[float]) -> float | None:
        """The next value past the best of ``tried`` where the best is at an end; None where it is not, or at a limit."""
        if not _ordered(tried) or best not in (min(tried), max(tried)):
            return None
        up = best == max(tried)
        ranked = sorted(tried, reverse=up)
        value = best * (best / ranked[1]) if _geometric(self.values) else best + (best - ranked[1])
        value = min(value, self.most) if self.most is not None else value
        value = max(value, self.least) if self.least is not None else value
        value = type(best)(round(value)) if isinstance(best, int) else _short(value)
        return None if value in tried else value

    def between(self, best: Any, tried: Sequence[float]) -> Iterator[float]:
        """Values half-way between the best of ``tried`` and its neighbours."""
        if not _ordered(tried):
            return
        ranked = sorted(tried)
        place = ranked.index(best)
        for neighbour in ranked[max(place - 1, 0) : place] + ranked[place + 1 : place + 2]:
            middle = math.sqrt(best * neighbour) if _geometric(self.values) else (best + neighbour) / 2
            middle = round(middle) if isinstance(best, int) else _short(middle)
            if middle not in tried:
                yield middle


@dataclass(frozen=True)
class TunedBy:
    """The measure of a trial that says which setting is best."""

    measure: str
    lower_is_better: bool = False


@dataclass(frozen=True)
class Trial:
    """One setting of one arm, and its score on each tuning seed (None where it diverged)."""

    arm: str
    setting: Setting
    scores: tuple[float | None, ...]

    def mean(self) -> float:
        return math.nan if any(score is None for score in self.scores) else statistics.fmean(self.scores)


@dataclass(frozen=True)
class Tuning:
    """What came of tuning a system.

    Attributes:
        chosen: arm → its best setting.
        at_edge: arm → the knobs whose best value lies at an end of what was tried.
    """

    slug: str
    source: str
    seeds: tuple[int, ...]
    by: str
    trials: tuple[Trial, ...]
    chosen: dict[str, Setting]
    at_edge: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write it whole or not at all, a trial to a line."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = asdict(self)
        trials = ",\n  ".join(json.dumps(trial) for trial in text.pop("trials"))
        part = path.with_suffix(".part")
        part.write_text(json.dumps(text, indent=1)[:-2] + f',\n "trials": [\n  {trials}\n ]\n}}\n')
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> "Tuning":
        text = json.loads(path.read_text())
        trials = tuple(Trial(t["arm"], t["setting"], tuple(t["scores"])) for t in text["trials"])
        at_edge = {arm: tuple(knobs) for arm, knobs in text["at_edge"].items()}
        return cls(**text | {"seeds": tuple(text["seeds"]), "trials": trials, "at_edge": at_edge})


def middle(entry: Entry) -> dict[str, Setting]:
    """Every arm at the middle of its grid: what runs at smoke scale."""
    return {arm: {name: values_of(knob)[len(values_of(knob)) // 2] for name, knob in knobs.items()} for arm, knobs in entry.grid.items()}


def tuning_path(entry: Entry) -> Path:
    return entry.path.parent / "tuning" / f"{entry.slug}.json"


def kept_tuning(entry: Entry) -> Tuning | None:
    """The tuning beside the file, if it is of what the file does now."""
    path = tuning_path(entry)
    tuning = Tuning.read(path) if path.exists() else None
    return tuning if tuning is not None and tuning.source == tuning_fingerprint(entry) else None


def tuned(entry: Entry, jobs: int | None = None, quiet: bool = True) -> Tuning:
    """The kept tuning, or a new one, which is then kept."""
    found = kept_tuning(entry)
    if found is None:
        found = tune(entry, jobs, quiet)
        found.write(tuning_path(entry))
    return found


def tune(entry: Entry, jobs: int | None = None, quiet: bool = True) -> Tuning:
    """Find the best setting of every arm.

    Raises:
        InputError: the file lacks a name that tuning needs, or its arms have grids of different sizes.
        RunFailed: every setting of an arm diverged.
    """
    by, seeds = _asked(entry), unseen_seeds(tuning_fingerprint(entry), TUNING, entry.count("tune"))
    with Workers(jobs or cores(), quiet) as workers:
        searches = [_Search(arm, {n: _knob(k) for n, k in knobs.items()}, entry, by, seeds, workers) for arm, knobs in entry.grid.items()]
        for search in searches:
            search.grid()
            search.extend()
        most = max(len(search.trials) for search in searches)
        for search in searches:
            search.refine(most)
    trials = tuple(trial for search in searches for trial in search.trials)
    chosen = {search.arm: search.best().setting for search in searches}
    at_edge = {search.arm: edges for search in searches if (edges := search.edges())}
    return Tuning(entry.slug, tuning_fingerprint(entry), seeds, by.measure, trials, chosen, at_edge)


@dataclass
class _Search:
    """The trials of one arm."""

    arm: str
    knobs: Mapping[str, Knob]
    entry: Entry
    by: TunedBy
    seeds: Sequence[int]
    workers: Workers
    trials: list[Trial] = field(default_factory=list)

    def grid(self) -> None:
        self._try([dict(zip(self.knobs, values, strict=True)) for values in itertools.product(*(k.values for k in self.knobs.values()))])

    def extend(self) -> None:
        for _ in range(EXTENSIONS):
            best = self.best().setting
            beyond = {name: knob.beyond(best[name], self._tried(name)) for name, knob in self.knobs.items()}
            new = [{**best, name: value} for name, value in beyond.items() if value is not None]
            if not self._try(new):
                return

    def refine(self, most: int) -> None:
        while len(self.trials) < most:
            best = self.best().setting
            new = [{**best, name: value} for name, knob in self.knobs.items() for value in knob.between(best[name], self._tried(name))]
            if not self._try(new[: most - len(self.trials)]):
                return

    def best(self) -> Trial:
        sign = -1 if self.by.lower_is_better else 1
        sound = [trial for trial in self.trials if not math.isnan(trial.mean())]
        if not sound:
            raise RunFailed(f"every setting of {self.arm} diverged; give it smaller values in GRID")
        return first_of_the_best(sound, sign)

    def edges(self) -> tuple[str, ...]:
        best = self.best().setting
        return tuple(name for name, knob in self.knobs.items() if knob.beyond(best[name], self._tried(name)) is not None)

    def _tried(self, name: str) -> list[Any]:
        return list(dict.fromkeys(trial.setting[name] for trial in self.trials))

    def _try(self, settings: list[Setting]) -> bool:
        """Try those that are new; whether there were any."""
        new = [setting for setting in settings if setting not in [trial.setting for trial in self.trials]]
        calls = [
            Call("guerdon.atlas._tuning", "attempt", (self.entry.module_name, self.arm, seed), setting)
            for setting in new
            for seed in self.seeds
        ]
        scores = iter(self.workers.all(calls, f"{self.entry.slug}: tuning {self.arm}") if calls else [])
        for setting in new:
            self.trials.append(Trial(self.arm, setting, tuple(self._score(next(scores)) for _ in self.seeds)))
        return bool(new)

    def _score(self, measured: Mapping[str, Any] | None) -> float | None:
        if measured is None:
            return None
        if self.by.measure not in measured:
            raise LookupError(f"TUNED_BY names {self.by.measure!r}, and a trial of {self.arm} measures {', '.join(measured)}")
        value = float(measured[self.by.measure])
        return value if math.isfinite(value) else None


def first_of_the_best(trials: Sequence[Trial], sign: int) -> Trial:
    """The first trial whose score is as good as the best; ``sign`` is -1 where less is better."""
    means = [sign * trial.mean() for trial in trials]
    enough = max(means) - PLATEAU * (max(means) - min(means))
    return next(trial for trial, mean in zip(trials, means, strict=True) if mean >= enough)


def attempt(module_name: str, arm: str, seed: int, **setting: Any) -> Mapping[str, Any] | None:
    """One trial; None where the loop gave up, as it does when steps keep being non-finite."""
    try:
        return importlib.import_module(module_name).trial(arm, seed, "full", **setting)
    except RunFailed:
        return None


def _asked(entry: Entry) -> TunedBy:
    by = getattr(entry.module, "TUNED_BY", None)
    if not entry.grid or by is None or not callable(getattr(entry.module, "trial", None)):
        raise InputError(f"{entry.slug} cannot be tuned: its file needs GRID, TUNED_BY and trial(arm, seed, scale, **knobs)")
    sizes = {arm: math.prod(len(values_of(knob)) for knob in knobs.values()) for arm, knobs in entry.grid.items()}
    if len(set(sizes.values())) > 1:
        raise InputError(f"the grids of {entry.slug} have {sizes} settings; every arm gets the same number of trials")
    return by if isinstance(by, TunedBy) else TunedBy(by)


def _knob(values: Any) -> Knob:
    return values if isinstance(values, Knob) else Knob(tuple(values))


def values_of(knob: Any) -> tuple[Any, ...]:
    """The values that a knob starts with."""
    return _knob(knob).values


def _ordered(values: Sequence[Any]) -> bool:
    """Whether values have an order in which one can go on: numbers, and more than one."""
    return len(values) > 1 and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _geometric(values: Sequence[float]) -> bool:
    return all(value > 0 for value in values)


def _short(value: float) -> float:
    """Without the dust of floating point, so that equal values are equal."""
    return float(f"{value:.6g}")
