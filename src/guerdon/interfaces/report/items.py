"""Items: which items of a rubric pay, from the judge's words that a run keeps beside its verdicts (``feedback.formats.item_by_item``)."""

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from guerdon.feedback.formats.item_by_item import items_in
from guerdon.interfaces.report.reading import Record

READ = 4000  # completions that are read, evenly over the run
SHOWN = 40  # items: with a rubric for each row there may be thousands, of which those that were judged most often are shown


@dataclass(frozen=True)
class Paying:
    """One item. ``begin`` and ``end``: how far it holds, as a mean over the first and the last quarter of the steps; ``with_reward``: its correlation with the reward; NaN
    where one of the two never changes."""

    text: str
    kind: str
    weight: float
    judged: int
    begin: float
    end: float
    with_reward: float


def paying(record: Record) -> list[Paying]:
    """Every item that the run's judges told of, those that go with the reward most first."""
    every = [(step, outcome) for step, outcomes in sorted(record.sampled.items()) for outcome in outcomes]
    if not every:
        return []
    some = [every[i] for i in np.unique(np.linspace(0, len(every) - 1, min(READ, len(every))).astype(int))]
    first, last = some[0][0], some[-1][0]
    bounds = first + (last - first) / 4, last - (last - first) / 4
    found: dict[tuple[str, str, float], list[tuple[int, float, float]]] = defaultdict(list)
    for (step, outcome), row in zip(some, record.rows([outcome for _, outcome in some]), strict=True):
        for text in (row.get("said") or {}).values():
            for item, met in items_in(text):
                if met is not None:
                    found[item.text, item.kind, item.weight].append((step, met, outcome.reward))
    most = sorted(found.items(), key=lambda pair: -len(pair[1]))[:SHOWN]
    out = [Paying(*item, len(values), *_ends(values, bounds), _correlation(values)) for item, values in most]
    return sorted(out, key=lambda one: -one.with_reward if math.isfinite(one.with_reward) else 2.0)


def _ends(values: list[tuple[int, float, float]], bounds: tuple[float, float]) -> tuple[float, float]:
    begin, end = [met for step, met, _ in values if step <= bounds[0]], [met for step, met, _ in values if step >= bounds[1]]
    return (float(np.mean(begin)) if begin else math.nan), (float(np.mean(end)) if end else math.nan)


def _correlation(values: list[tuple[int, float, float]]) -> float:
    met, reward = np.array([(met, reward) for _, met, reward in values if math.isfinite(reward)]).reshape(-1, 2).T
    return float(np.corrcoef(met, reward)[0, 1]) if len(met) > 1 and met.std() > 0 and reward.std() > 0 else math.nan
