"""Comparison: what was measured of each arm at its end, and how far each is from the first, with intervals at 95 %.

    of held-out prompts    difference(b) = mean over prompts p that both answered of [mean over seeds reward_b(p) - mean over seeds reward_a(p)]
    over seeds             difference(b) = mean over seeds s that both drew of [value_b(s) - value_a(s)]

The first says how sure the difference is for these trained models, were other prompts drawn; the second, were the training repeated.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guerdon.evaluation.statistics import Estimate
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.interfaces.comparing.arms import Arm, differences, gather
from guerdon.interfaces.report.figures import PROPORTIONS, SCALARS, accuracy, rewards, right
from guerdon.interfaces.report.reading import Record


@dataclass(frozen=True)
class Difference:
    """How far an arm is from the first one; ``over`` says what was resampled, and how many there were."""

    estimate: Estimate
    over: str
    lower_is_better: bool = False

    @property
    def better(self) -> bool | None:
        """Whether it is better beyond its interval; None where that cannot be said."""
        low, high = self.estimate.low, self.estimate.high
        if not (math.isfinite(low) and math.isfinite(high)):
            return None
        low, high = (-high, -low) if self.lower_is_better else (low, high)
        return True if low > 0 else False if high < 0 else None


@dataclass(frozen=True)
class Measured:
    """A figure of every arm: values (None where an arm has none), and the differences of each from the first."""

    name: str
    values: list[Estimate | None]
    differences: list[list[Difference]]
    percent: bool = False
    lower_is_better: bool = False


@dataclass(frozen=True)
class Comparison:
    """Everything that is said of some arms."""

    arms: list[Arm]
    differs: dict[str, list[Any]]
    measured: list[Measured]
    notes: list[str] = field(default_factory=list)


def compare(folders: Sequence[Path | str], labels: Sequence[str] = ()) -> Comparison:
    """Read runs and compare them with the first of them.

    Raises:
        InputError: there is no run in a folder.
    """
    arms = gather(folders, labels)
    held_out = [[_last(record) for record in arm.records] for arm in arms]
    return Comparison(arms, differences(arms), [*_of_prompts(held_out, arms), *_of_metrics(arms, held_out)], _notes(arms, held_out))


def _last(record: Record) -> dict[str, float]:
    """Prompt → reward at the last evaluation."""
    return rewards(record.held_out[max(record.held_out)]) if record.held_out else {}


def _of_prompts(held_out: list[list[Mapping[str, float]]], arms: list[Arm]) -> list[Measured]:
    everything = [value for arm in held_out for run in arm for value in run.values()]
    if not everything:
        return []
    kinds = {"Held-out reward": lambda values: values}
    if accuracy(everything):
        kinds = {"Held-out accuracy": right} | kinds
    found = []
    for name, of in kinds.items():
        runs = [[dict(zip(run, of(list(run.values())), strict=True)) for run in arm] for arm in held_out]
        averaged = [_mean_by_prompt([run for run in arm if run]) for arm in runs]
        share = name == "Held-out accuracy"
        values = [_value(list(own.values()), arm, share) for own, arm in zip(averaged, runs, strict=True)]
        apart = [[]] + [_over_prompts(averaged[0], averaged[i]) + _over_seeds(*_means(arms, runs, i)) for i in range(1, len(arms))]
        found.append(Measured(name, values, apart, percent=share))
    return found


def _value(averaged: list[float], runs: list[Mapping[str, float]], share: bool) -> Estimate | None:
    """Over the prompts that all runs of an arm answered; where they have none in common, over the runs."""
    if share and len(runs) == 1 and averaged:
        return Wilson()(averaged)
    means = [sum(run.values()) / len(run) for run in runs if run]
    return BootstrapMean(resamples=2000)(averaged or means) if means else None


def _mean_by_prompt(runs: list[Mapping[str, float]]) -> dict[str, float]:
    """The mean over the runs, of the prompts that all of them answered."""
    both = [prompt for prompt in (runs[0] if runs else ()) if all(prompt in run for run in runs)]
    return {prompt: sum(run[prompt] for run in runs) / len(runs) for prompt in both}


def _over_prompts(first: Mapping[str, float], other: Mapping[str, float]) -> list[Difference]:
    """The difference paired by prompt, where some are the same."""
    both = [prompt for prompt in first if prompt in other]
    return [Difference(BootstrapMean(resamples=2000)([other[p] - first[p] for p in both]), f"{len(both)} prompts")] if both else []


def _means(arms: list[Arm], runs: list[list[Mapping[str, float]]], i: int) -> list[dict[Any, float]]:
    """Seed → mean over prompts, of the first arm and of another."""
    return [{seed: sum(run.values()) / len(run) for seed, run in zip(arms[k].seeds, runs[k], strict=True) if run} for k in (0, i)]


def _over_seeds(first: Mapping[Any, float], other: Mapping[Any, float], lower: bool = False) -> list[Difference]:
    """The difference paired by seed, where at least two seeds are the same."""
    both = [seed for seed in first if seed in other and seed is not None]
    if len(both) < 2:
        return []
    return [Difference(BootstrapMean(resamples=2000)([other[s] - first[s] for s in both]), f"{len(both)} seeds", lower)]


def _of_metrics(arms: list[Arm], held_out: list[list[Mapping[str, float]]]) -> list[Measured]:
    """What was logged of held-out rows, of which the single outcomes are not kept."""
    found = []
    known = {"eval/reward", "eval/accuracy"} if any(run for arm in held_out for run in arm) else set()
    for name, (title, percent, lower, _) in SCALARS.items():
        last = [
            {seed: record.series(name)[1][-1] for seed, record in zip(_keys(arm), arm.records, strict=True) if record.series(name)[1]}
            for arm in arms
        ]
        if name in known or sum(map(bool, last)) < 2:
            continue
        values = [_of_metric(name, arm, own) for arm, own in zip(arms, last, strict=True)]
        apart = []
        for i, own in enumerate(last):
            if i == 0 or not own or not last[0]:
                apart.append([])
                continue
            plain = sum(own.values()) / len(own) - sum(last[0].values()) / len(last[0])
            apart.append(_over_seeds(last[0], own, lower) or [Difference(Estimate(plain, math.nan, math.nan), "", lower)])
        found.append(Measured(title, values, apart, percent, lower))
    return found


def _keys(arm: Arm) -> list[Any]:
    """The runs' seeds, or their places where seeds are not known."""
    return [f"run {i}" if seed is None else seed for i, seed in enumerate(arm.seeds)]


def _of_metric(name: str, arm: Arm, last: Mapping[Any, float]) -> Estimate | None:
    values = list(last.values())
    if not values:
        return None
    counted = arm.records[0].series("eval/rows")[1] if name in PROPORTIONS and len(values) == 1 else []
    if counted:
        return Wilson()([values[0]] * int(counted[-1]))
    return BootstrapMean(resamples=2000)(values) if len(values) > 1 else Estimate(values[0], math.nan, math.nan)


def _notes(arms: list[Arm], held_out: list[list[Mapping[str, float]]]) -> list[str]:
    notes = [note for arm in arms for record in arm.records for note in record.notes]
    steps = {arm.label: sorted({record.steps for record in arm.records}) for arm in arms}
    if len({step for each in steps.values() for step in each}) > 1:
        said = "; ".join(f"{label} after step {' and '.join(map(str, each))}" for label, each in steps.items())
        notes.append(f"they are compared as they stand: {said}")
    asked = [set().union(*arm) for arm in held_out]
    for arm, own in zip(arms[1:], asked[1:], strict=True):
        if own and asked[0] and own != asked[0]:
            notes.append(
                f"{arm.label} and {arms[0].label} were evaluated on different prompts: {len(own & asked[0])} of {len(own | asked[0])} are shared, and "
                "only those are compared"
            )
    return notes
