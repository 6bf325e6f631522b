"""Figures: what was measured on held-out data before the first step and after the last, with intervals at 95 %."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from guerdon.evaluation.statistics import Estimate
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.interfaces.report.reading import Outcome, Record
from guerdon.thresholds import exceeds, reaches


@dataclass(frozen=True)
class Figure:
    """A number before and after. An interval is given where the single outcomes are known."""

    name: str
    before: Estimate
    after: Estimate
    steps: tuple[int, int]
    sentence: str
    percent: bool = False
    lower_is_better: bool = False
    change: Estimate | None = None  # paired, over the prompts that were evaluated both times

    @property
    def better(self) -> bool | None:
        """Whether the change is in the right direction beyond its interval; None where that cannot be said."""
        if self.change is None or not math.isfinite(self.change.low):
            return None
        low, high = (-self.change.high, -self.change.low) if self.lower_is_better else (self.change.low, self.change.high)
        return True if low > 0 else False if high < 0 else None


def figures(record: Record) -> list[Figure]:
    """Everything that was measured at least twice on held-out data."""
    found = []
    steps = sorted(record.held_out)
    if len(steps) > 1:
        first, last = rewards(record.held_out[steps[0]]), rewards(record.held_out[steps[-1]])
        if first and last:
            at, rows = (steps[0], steps[-1]), len(record.held_out[steps[-1]])
            found += _of_rewards(first, last, at, rows)
            found += _of_components(*(_components(record, step) for step in at), at, rows)
    known = {"eval/reward"} if found else set()
    for name, (title, percent, lower, sentence) in SCALARS.items():
        at, values = record.series(name)
        if len(values) > 1 and name not in known:
            counted = record.series("eval/rows")[1] if name in PROPORTIONS else []
            ends = [_proportion(value, counted[-1] if counted else 0) for value in (values[0], values[-1])]
            found.append(Figure(title, *ends, (at[0], at[-1]), sentence, percent, lower))
    return found


SCALARS = {  # metric → title, whether in percent, whether lower is better, what it is
    "eval/accuracy": ("Held-out accuracy", True, False, "Share of held-out items that are right."),
    "eval/reward": ("Held-out reward", False, False, "Mean reward on held-out prompts, taking the most likely token each time."),
    "eval/rewards/accuracies": (
        "Held-out pair accuracy",
        True,
        False,
        "Share of held-out pairs whose chosen side scores higher; ties count half.",
    ),
    "eval/rewards/margins": ("Held-out margin", False, False, "Mean score of the chosen side minus that of the rejected side."),
    "eval/loss": ("Held-out loss", False, True, "The loss on rows that are not trained on."),
}

PROPORTIONS = ("eval/accuracy", "eval/rewards/accuracies")  # shares of items: with their number, an interval is known


def _proportion(value: float, rows: float) -> Estimate:
    return Wilson()([value] * int(rows)) if rows else Estimate(value, math.nan, math.nan)


def accuracy(values: list[float]) -> bool:
    """Whether rewards have a top of 1, so that the share at the top is an accuracy."""
    return reaches(max(values), 1.0) and not exceeds(max(values), 1.0) and reaches(min(values), 0.0)


def right(values: list[float]) -> list[float]:
    """1 for every reward at the top."""
    return [float(reaches(value, 1.0)) for value in values]


def rewards(outcomes: list[Outcome]) -> dict[str, float]:
    """Prompt → reward; an outcome that could not be judged is left out, of one prompt asked twice the mean counts."""
    by_prompt: dict[str, list[float]] = {}
    for outcome in outcomes:
        if math.isfinite(outcome.reward):
            by_prompt.setdefault(outcome.prompt, []).append(outcome.reward)
    return {prompt: sum(values) / len(values) for prompt, values in by_prompt.items()}


def _components(record: Record, step: int) -> dict[str, dict[str, float]]:
    """Component → prompt → reward, of an evaluation; nothing where the reward is a single one."""
    by_name: dict[str, dict[str, list[float]]] = {}
    outcomes = record.held_out[step]
    for outcome, row in zip(outcomes, record.rows(outcomes), strict=True):
        for name, value in (row.get("components") or {}).items():
            if isinstance(value, (int, float)) and math.isfinite(value):
                by_name.setdefault(name, {}).setdefault(outcome.prompt, []).append(value)
    if len(by_name) < 2:
        return {}
    return {name: {prompt: sum(values) / len(values) for prompt, values in of.items()} for name, of in by_name.items()}


def _of_components(
    first: Mapping[str, Mapping[str, float]], last: Mapping[str, Mapping[str, float]], steps: tuple[int, int], rows: int
) -> list[Figure]:
    """What each reward came to before they were combined: of a sum of several nobody can tell which has risen."""
    found = []
    for name in (name for name in first if name in last):
        before, after = first[name], last[name]
        change = [after[p] - before[p] for p in before if p in after]
        share = {*before.values(), *after.values()} <= {0.0, 1.0}
        estimate = Wilson() if share else _mean
        sentence = f"{'Share of ones' if share else 'Mean'} of the reward {name} on {_prompts(len(after), rows)}."
        found.append(
            Figure(
                f"Held-out {name}", estimate([*before.values()]), estimate([*after.values()]), steps, sentence, share, change=_mean(change)
            )
        )
    return found


def _prompts(count: int, rows: int) -> str:
    """How many were asked; of a prompt that is there twice the mean counts, as one."""
    return f"{count} held-out prompts" if count == rows else f"{count} different held-out prompts ({rows} rows)"


def _of_rewards(first: Mapping[str, float], last: Mapping[str, float], steps: tuple[int, int], rows: int) -> list[Figure]:
    before, after = list(first.values()), list(last.values())
    both = [prompt for prompt in first if prompt in last]
    found = []
    if accuracy(before + after):
        change = [after - before for before, after in zip(right([first[p] for p in both]), right([last[p] for p in both]), strict=True)]
        sentence = f"Share of {_prompts(len(after), rows)} answered with full reward, taking the most likely token each time."
        found.append(
            Figure("Held-out accuracy", Wilson()(right(before)), Wilson()(right(after)), steps, sentence, True, change=_mean(change))
        )
    change = [last[p] - first[p] for p in both]
    sentence = f"Mean reward on {_prompts(len(after), rows)}, taking the most likely token each time."
    found.append(Figure("Held-out reward", _mean(before), _mean(after), steps, sentence, change=_mean(change)))
    return found


def _mean(values: list[float]) -> Estimate | None:
    return BootstrapMean(resamples=2000)(values) if values else None
