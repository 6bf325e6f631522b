"""The page of a study of arms: what to use when, from the results alone, then a table for each task, the picture, and how it was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from guerdon.evaluation.statistics import Estimate
from guerdon.evaluation.statistics.interquartile_mean import InterquartileMean
from guerdon.evaluation.statistics.mean import Mean
from guerdon.evaluation.statistics.probability_of_improvement import ProbabilityOfImprovement
from guerdon.evaluation.statistics.stratified_bootstrap import StratifiedBootstrap
from studies._verifiable.arms import arm
from studies._verifiable.learning import ANSWERS, SAMPLES, SIZES, UPDATES, Size

KINDS = {"rare": "a right answer is rare", "long": "answers are long", "noisy": "the verifier errs"}


@dataclass(frozen=True)
class Words:
    """What differs between the pages: who asks what, of which command, beside which baseline."""

    title: str
    asks: str
    command: str
    baseline: str
    image: str
    size: Size = SIZES["full"]
    seen: str = ""  # what was decided after results were looked at


@dataclass(frozen=True)
class Table:
    """What was measured, by method and task."""

    measured: Mapping[str, Any]

    @property
    def methods(self) -> list[str]:
        return self.measured["methods"]

    @property
    def tasks(self) -> list[str]:
        return self.measured["tasks"]

    def runs(self, method: str, task: str, on: str) -> np.ndarray:
        return np.array([run[on] for run in self.measured["arms"][arm(method, task)]["runs"]])

    def before(self, task: str) -> float:
        return float(np.mean([self.runs(method, task, "before").mean() for method in self.methods]))

    def all_runs(self, method: str, on: str) -> np.ndarray:
        """[runs, tasks]"""
        return np.stack([self.runs(method, task, on) for task in self.tasks], -1)

    def middle(self, method: str, on: str) -> Estimate:
        return StratifiedBootstrap(InterquartileMean())(self.all_runs(method, on))

    def improves(self, method: str, other: str, on: str, tasks: Sequence[str] | None = None) -> Estimate:
        a, b = (np.stack([self.runs(m, task, on) for task in tasks or self.tasks], -1) for m in (method, other))
        return StratifiedBootstrap(ProbabilityOfImprovement())(a, b)

    def gain(self, method: str, other: str, on: str, tasks: Sequence[str] | None = None) -> Estimate:
        """By how much it is ahead of the other on the same seed, where both start from the same weights; the mean over tasks."""
        a, b = (np.stack([self.runs(m, task, on) for task in tasks or self.tasks], -1) for m in (method, other))
        return StratifiedBootstrap(Mean())(a - b)

    def taught(self, task: str, on: str) -> bool:
        """Whether anybody ended surely above where all began."""
        return any(float(StratifiedBootstrap(Mean())(self.runs(m, task, on) - self.runs(m, task, "before")).low) > 0 for m in self.methods)

    def ranked(self, on: str) -> list[str]:
        return sorted(self.methods, key=lambda method: -float(self.middle(method, on).value))

    def ranked_on(self, task: str, on: str) -> list[str]:
        return sorted(self.methods, key=lambda method: -float(self.runs(method, task, on).mean()))

    def as_good(self, task: str, on: str) -> list[str]:
        """The best on the task, and those of which it is not surely ahead."""
        best, *others = self.ranked_on(task, on)
        return [best, *(other for other in others if float(self.gain(best, other, on, [task]).low) <= 0)]

    def behind(self, baseline: str, on: str) -> list[str]:
        return [m for m in self.ranked(on) if m != baseline and float(self.gain(m, baseline, on).high) < 0]

    def ahead(self, baseline: str, on: str) -> list[str]:
        return [m for m in self.ranked(on) if m != baseline and float(self.gain(m, baseline, on).low) > 0]


def page_of(results: Mapping[str, Any], words: Words) -> str:
    table = Table(results["measured"])
    return "\n".join(
        [
            _head(words),
            _found(table, words),
            _overall(table, words),
            *(_task(table, task) for task in table.tasks),
            _how(results, table, words),
        ]
    )


def _head(words: Words) -> str:
    return f"""# {words.title}

{words.asks}

```bash
{words.command}
```
"""


def _found(table: Table, words: Words) -> str:
    lines = ["## What to use when\n", "| where | best in the mean | no worse, as far as these runs can tell |", "| --- | --- | --- |"]
    for task in table.tasks:
        best, *others = table.as_good(task, SAMPLES)
        if table.taught(task, SAMPLES):
            lines.append(f"| {KINDS[task]} | {best} | {_listed(others)} |")
        else:
            lines.append(f"| {KINDS[task]} | nobody learned anything that is sure, so nothing is told apart | |")
    ahead, behind = table.ahead(words.baseline, SAMPLES), table.behind(words.baseline, SAMPLES)
    lines += [
        "",
        f"Over all three, at equal samples: surely ahead of {words.baseline} {_are(ahead)}; surely behind it {_are(behind)}.",
        f"The {len(table.methods) - 1 - len(ahead) - len(behind)} others cannot be told from it with {len(table.measured['seeds'])} runs of each task. *Surely*: the",
        "95 % interval of their difference on the same seed, where both start from the same weights, leaves 0 on one side; of forty such comparisons one or two do so by chance.",
        "",
    ]
    return "\n".join(lines)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"


def _are(names: Sequence[str]) -> str:
    return f"is {names[0]}" if len(names) == 1 else f"are {', '.join(names)}" if names else "is none"


def _overall(table: Table, words: Words) -> str:
    lines = [
        f"![Accuracy of every method on each task](images/{words.image})\n",
        "## Over the three tasks\n",
        f"| method | interquartile mean, equal samples | equal updates | ahead of {words.baseline} on the same seed | P(better than {words.baseline}), any seeds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for method in table.ranked(SAMPLES):
        middle = " | ".join(_interval(table.middle(method, on)) for on in (SAMPLES, UPDATES))
        than = ("", "")
        if method != words.baseline:
            than = _interval(table.gain(method, words.baseline, SAMPLES)), _interval(table.improves(method, words.baseline, SAMPLES), 2)
        lines.append(f"| {method} | {middle} | {' | '.join(than)} |")
    return "\n".join([*lines, ""])


def _task(table: Table, task: str) -> str:
    lines = [
        f"## {KINDS[task].capitalize()} (*{task}*)\n",
        f"Before: {table.before(task):.3f}.\n",
        "| method | accuracy, equal samples | equal updates | tuned |",
        "| --- | --- | --- | --- |",
    ]
    for method in table.ranked_on(task, SAMPLES):
        name = arm(method, task)
        setting = ", ".join(f"{knob.replace('_', ' ')} {value:.2g}" for knob, value in table.measured["arms"][name]["setting"].items())
        edge = " (at the edge of its grid: not tuned)" if name in table.measured["at_edge"] else ""
        cells = [_interval(StratifiedBootstrap(Mean())(table.runs(method, task, on))) for on in (SAMPLES, UPDATES)]
        lines.append(f"| {method} | {cells[0]} | {cells[1]} | {setting}{edge} |")
    return "\n".join([*lines, ""])


def _interval(estimate: Estimate, digits: int = 3) -> str:
    return f"{float(estimate.value):.{digits}f} [{float(estimate.low):.{digits}f}, {float(estimate.high):.{digits}f}]"


def _how(results: Mapping[str, Any], table: Table, words: Words) -> str:
    size, shown, trials = words.size, table.measured["shown"], {len(found["trials"]) for found in table.measured["arms"].values()}
    return f"""## How it was measured

*Tasks*, each answered by a language model of two layers and a width of 64, with a token for each character, that was fitted to some right answers first; all
methods start from the same weights. *rare*: seven letters of eight are sorted, {shown["rare"]} answers were shown. *long*: eight letters, strewn with four digits, are
written backwards without the digits; {shown["long"]} were shown. *noisy*: four letters are sorted, {shown["noisy"]} were shown, and the verifier calls a fifth of
the right answers wrong and a twentieth of the wrong ones right, always the same ones. The reward is 1 or 0 for the whole answer.

*Runs*: {size.steps} batches of {size.prompts} problems, {ANSWERS} answers to each, AdamW, the rate falling to 0 in a line. *Accuracy* is the share of {size.held_out} held-out
problems whose most likely answer is right, by the truth, the mean over the last two of {size.looks} looks; *equal samples*: before more answers were drawn than
{size.steps * size.prompts * ANSWERS:,}; *equal updates*: after {size.steps} batches.

*Tuning*: {_counted(trials)} settings for each method on each task, on two seeds; while the best lies at an end of the grid it is extended, at most four times.
*Verdicts*: {len(table.measured["seeds"])} seeds that follow from the code that was measured, so that nobody had seen them. Intervals are 95 %, by bootstrap over
runs within tasks; with so few runs they are rather too short. These are tiny models: what they say of a model that was trained on the world's text is a guess.

{words.seen}{duration(results)}
`{words.command} --render-only` writes this page anew from what is kept.
"""


def duration(results: Mapping[str, Any]) -> str:
    """When and how long it was measured; of a measurement that was stopped, how long what was left took."""
    resumed = results["measured"].get("resumed", 0)
    before = f", after {resumed} runs that were kept from before it was stopped" if resumed else ""
    return (
        f"Measured on {results['date']} in {results['duration_s'] / 60:.0f} minutes on {results['cores']} cores{before}, torch "
        f"{results['versions']['torch']}."
    )


def _counted(trials: set[int]) -> str:
    low, high = min(trials), max(trials)
    return str(low) if low == high else f"{low} to {high}"


def picture(results: Mapping[str, Any], words: Words, folder: Path) -> Path:
    """Accuracy of every method on each task, with every run as a dot."""
    from matplotlib.figure import Figure

    table = Table(results["measured"])
    folder.mkdir(parents=True, exist_ok=True)
    methods = table.ranked(SAMPLES)[::-1]
    figure = Figure(figsize=(11, 0.26 * len(methods) + 1.2), layout="constrained")
    panels = figure.subplots(1, len(table.tasks), sharey=True, squeeze=False)[0]
    for axes, task in zip(panels, table.tasks, strict=True):
        for place, method in enumerate(methods):
            runs = table.runs(method, task, SAMPLES)
            axes.scatter(runs, np.full(len(runs), place), s=10, color="#9fa8da", linewidth=0)
            axes.scatter(runs.mean(), place, s=26, color="#1a6b4a" if method != words.baseline else "#b5341f", zorder=3)
        axes.axvline(table.before(task), color="black", linewidth=0.8, linestyle=":")
        axes.set(title=KINDS[task], xlabel="accuracy at equal samples")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(methods)), methods)
    path = folder / words.image
    figure.savefig(path, dpi=90)
    return path
