"""The page: what protects where, by the lead at equal KL and at equal proxy, from the results alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from guerdon.atlas._frontier import lead
from guerdon.evaluation.statistics import Estimate
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from studies._verifiable.page import duration

IMAGE = "what-protects.png"
BESIDE = " where "
PRICES = {"KL": "at equal KL", "proxies": "at equal proxy"}


def arm(way: str, situation: str) -> str:
    return f"{way}{BESIDE}{situation}"


def apart(name: str) -> tuple[str, str]:
    way, situation = name.rsplit(BESIDE, 1)
    return way, situation


class Table:
    """What was measured, by way and situation."""

    def __init__(self, measured: Mapping[str, Any]):
        self.arms, self.said, self.kinds = measured["arms"], measured["said"], measured["kinds"]
        self.at_edge, self.seeds = measured["at_edge"], measured["seeds"]
        names = [apart(name) for name in self.arms]
        self.ways, self.situations = list(dict.fromkeys(w for w, _ in names)), list(dict.fromkeys(s for _, s in names))
        self.base = self.ways[0]

    def runs(self, way: str, situation: str) -> list[dict[str, Any]]:
        return self.arms[arm(way, situation)]["runs"]

    def curve(self, way: str, situation: str, of: str) -> np.ndarray:
        """[runs, prices]"""
        return np.array([run[of] for run in self.runs(way, situation)])

    def leads(self, way: str, situation: str, price: str) -> np.ndarray:
        """[runs], the mean lead in gold over the one reward model, over the prices that both have paid."""
        pairs = zip(self.runs(way, situation), self.runs(self.base, situation), strict=True)
        return np.array([lead(*(np.array(x) for x in (a[price], a["golds"], b[price], b["golds"]))) for a, b in pairs])

    def lead(self, way: str, situation: str, price: str) -> Estimate:
        return BootstrapMean()(self.leads(way, situation, price))

    def overall(self, way: str, price: str) -> Estimate:
        """Over all situations, each run of a seed in all of them being one."""
        return BootstrapMean()(np.mean([self.leads(way, situation, price) for situation in self.situations], 0))

    def best(self, way: str, situation: str) -> Estimate:
        return BootstrapMean()(self.curve(way, situation, "golds").max(-1))

    def last(self, way: str, situation: str) -> Estimate:
        return BootstrapMean()(self.curve(way, situation, "golds")[:, -1])

    def ranked(self, situation: str | None = None) -> list[str]:
        return sorted(
            self.ways, key=lambda way: -float((self.overall(way, "KL") if situation is None else self.lead(way, situation, "KL")).value)
        )


def page(results: dict[str, Any]) -> str:
    table = Table(results["measured"])
    return "\n".join([_HEAD, _found(table), _overall(table), *(_situation(table, s) for s in table.situations), _how(results, table)])


_HEAD = """# What protects from reward hacking?

A reward model is right where it was fitted and wrong beyond. A policy that is trained on it goes beyond: its reward rises, and what it stands for rises and then falls. Many
ways of protection are published. Here they are put to the same reward models, in worlds where the truth is known, and compared at the same price: at equal KL from the policy
before, and at equal reward by the plain model. Whatever merely pushes less has no lead here.

```bash
make studies ARGS=what-protects
```
"""


def _found(table: Table) -> str:
    lines = [
        "## What to use when\n",
        "| the reward is wrong because | surely ahead of one reward model at equal KL, best first | surely behind |",
        "| --- | --- | --- |",
    ]
    for situation in table.situations:
        ahead, behind = [], []
        for way in table.ranked(situation):
            estimate = table.lead(way, situation, "KL")
            if way != table.base and float(estimate.low) > 0:
                ahead.append(f"{way} ({float(estimate.value):+.2f})")
            elif way != table.base and float(estimate.high) < 0:
                behind.append(f"{way} ({float(estimate.value):+.2f})")
        lines.append(f"| {table.said[situation]} | {', '.join(ahead) or 'none'} | {', '.join(behind) or 'none'} |")
    everywhere = [
        way
        for way in table.ways
        if way != table.base and all(float(table.lead(way, situation, "KL").low) > 0 for situation in table.situations)
    ]
    lines += [
        "",
        f"Ahead in every one of these situations: {', '.join(everywhere) or 'none'}. *Surely*: the 95 % interval of the difference",
        "on the same seed leaves 0 on one side. A lead is in units of gold, whose deviation among the first policy's answers is about 1.",
        "",
    ]
    return "\n".join(lines)


def _overall(table: Table) -> str:
    lines = [
        f"![Gold along the KL in every situation](images/{IMAGE})\n",
        "## Over all situations\n",
        "| way | kind | lead at equal KL | lead at equal proxy | surely ahead / behind in |",
        "| --- | --- | --- | --- | --- |",
    ]
    for way in table.ranked():
        if way == table.base:
            lines.append(f"| {way} | {table.kinds[way]} | | | |")
            continue
        found = [table.lead(way, situation, "KL") for situation in table.situations]
        counts = f"{sum(float(e.low) > 0 for e in found)} / {sum(float(e.high) < 0 for e in found)} of {len(found)}"
        leads = " | ".join(_interval(table.overall(way, price)) for price in PRICES)
        lines.append(f"| {way} | {table.kinds[way]} | {leads} | {counts} |")
    return "\n".join([*lines, ""])


def _situation(table: Table, situation: str) -> str:
    said = table.said[situation]
    before = np.mean([run["before"] for run in table.runs(table.base, situation)])
    lines = [
        f"## {said[0].upper()}{said[1:]}\n",
        f"Gold before: {before:.2f}.\n",
        "| way | lead at equal KL | lead at equal proxy | best gold | gold at the end | tuned |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for way in table.ranked(situation):
        name = arm(way, situation)
        leads = ["", ""] if way == table.base else [_interval(table.lead(way, situation, price)) for price in PRICES]
        edge = f" ({', '.join(table.at_edge[name])}: at the edge)" if name in table.at_edge else ""
        setting = ", ".join(f"{knob} {value:.2g}" for knob, value in table.arms[name]["setting"].items())
        golds = [_interval(found(way, situation), 2) for found in (table.best, table.last)]
        lines.append(f"| {way} | {' | '.join([*leads, *golds, setting + edge])} |")
    return "\n".join([*lines, ""])


def _interval(estimate: Estimate, digits: int = 3) -> str:
    return f"{float(estimate.value):.{digits}f} [{float(estimate.low):.{digits}f}, {float(estimate.high):.{digits}f}]"


def _how(results: Mapping[str, Any], table: Table) -> str:
    trials = {found["trials"] for found in table.arms.values()}
    counted = str(min(trials)) if len(trials) == 1 else f"{min(trials)} to {max(trials)}"
    return f"""## How it was measured

*World* (`guerdon.worlds.finite.exploitable`): 8 contexts of 512 answers with six features, four of which are worth something up to a point and do harm beyond, while two are
marks that are worth nothing. The first policy hardly ever goes beyond the point. *Reward models*: a linear head on 64 random features and the six, fitted to the comparisons to
the end, with a ridge; five for an ensemble, each with a hidden layer of its own, fitted to the same comparisons or (*resampled*) to as many of them drawn with repetition.

*Policies* are exact: what maximises the reward within a KL of 0.25 to 6 nats per context, by the KL to the first policy or by another divergence at the strength where the KL
is as much; best of n for n from 2 to 512. So nothing depends on an optimiser, and a rescaled or shifted reward (normalising, whitening) is the same as the plain one by
construction. So is an average of the weights of heads on one body, which is the average of their scores. *At equal KL*: the mean difference in gold over the KLs that both arms
have, along their own curves; *at equal proxy*: the same over the scores by the first reward model. *Best gold* picks the price knowing the truth; *at the end* is at the
highest price.

*Tuning*: {counted} settings for each way in each situation, on three seeds, by the mean gold over all prices (which takes a gold reward, as nobody has who trains: so this is
what each way can do). While the best lies at an end of the grid it is extended, at most four times. *Verdicts*: {len(table.seeds)} seeds that follow from the code that was
measured. The ways that count marks are told which features they are. In language models policies are not exact and features are learned along: what holds there may differ.

{duration(results)}
`make studies ARGS="what-protects --render-only"` writes this page anew from what is kept.
"""


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    table = Table(results["measured"])
    folder.mkdir(parents=True, exist_ok=True)
    columns = 3
    rows = -(-len(table.situations) // columns)
    figure = Figure(figsize=(12, 3.3 * rows + 0.9), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    colours = {way: colormaps["tab20"](i % 20) for i, way in enumerate(way for way in table.ways if way != table.base)}
    for axes, situation in zip(panels, table.situations, strict=False):
        for way in table.ways:
            price, gold = (table.curve(way, situation, of).mean(0) for of in ("KL", "golds"))
            plain = way == table.base
            axes.plot(
                price, gold, color="black" if plain else colours[way], linewidth=2.2 if plain else 1.2, label=way, zorder=3 if plain else 2
            )
        axes.set(title=table.said[situation], xlabel="KL (nats)", ylabel="gold")
        axes.title.set_fontsize(10)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[len(table.situations) :]:
        axes.set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    path = folder / IMAGE
    figure.savefig(path, dpi=90)
    return [path]
