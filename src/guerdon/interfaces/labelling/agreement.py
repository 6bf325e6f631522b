"""Agreement: the labels that stand → where annotators differ, alpha, and figures of each annotator."""

import statistics
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from guerdon.evaluation.metrics.krippendorff_alpha import KrippendorffAlpha
from guerdon.interfaces.labelling.kinds import Answer, Kind
from guerdon.interfaces.labelling.ledger import Ledger
from guerdon.interfaces.labelling.reading import Item


def dispute(kind: Kind, item: Item, answers: Sequence[Answer]) -> float:
    """The mean distance of every two answers, 0 where every two agree."""
    apart = [kind.apart(one, other, item) for one, other in combinations(answers, 2)]
    return sum(apart) / len(apart) if any(a > kind.tolerance for a in apart) else 0.0


def alphas(kind: Kind, items: Mapping[str, Item], ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Scale → alpha (None where nothing can be told) and how many places more than one judged."""
    scales: dict[str, dict[tuple[str, str], dict[str, float]]] = {}
    for name, item in items.items():
        labels = ledger.labels.get(name, {})
        if len(labels) < 2:
            continue
        for annotator, entry in labels.items():
            for scale, places in kind.units(entry.answer, item).items():
                for place, value in places.items():
                    scales.setdefault(scale, {}).setdefault((name, place), {})[annotator] = value
    found = {}
    for scale, units in scales.items():
        who = {annotator: i for i, annotator in enumerate(dict.fromkeys(a for values in units.values() for a in values))}
        table = np.full((len(who), len(units)), np.nan)
        for column, values in enumerate(units.values()):
            for annotator, value in values.items():
                table[who[annotator], column] = value
        alpha = float(KrippendorffAlpha(kind.distance)(table))
        found[scale] = {"alpha": None if np.isnan(alpha) else alpha, "units": int(((~np.isnan(table)).sum(0) > 1).sum())}
    return found


def disputes(kind: Kind, items: Mapping[str, Item], ledger: Ledger) -> list[tuple[str, float]]:
    """Items on which labels differ, and by how much, the most first."""
    answers = {name: [entry.answer for entry in ledger.labels.get(name, {}).values()] for name in items}
    found = [(name, apart) for name, said in answers.items() if len(said) > 1 and (apart := dispute(kind, items[name], said))]
    return sorted(found, key=lambda pair: -pair[1])


def figures(kind: Kind, items: Mapping[str, Item], gold: Mapping[str, tuple[Item, Answer]], ledger: Ledger) -> list[dict[str, Any]]:
    """For each annotator: how many, how fast, how often right on gold questions, how often as the others, and how often what was shown first was preferred."""
    found = []
    for annotator in ledger.annotators():
        labels = [entry for entry in ledger.done[annotator] if entry.what == "label"]
        times = [entry.seconds for entry in labels if entry.seconds is not None]
        right = [kind.apart(e.answer, gold[e.item][1], gold[e.item][0]) <= kind.tolerance for e in labels if e.item in gold]
        shared = [
            kind.apart(entry.answer, other.answer, items[entry.item]) <= kind.tolerance
            for entry in labels
            if entry.item in items
            for who, other in ledger.labels[entry.item].items()
            if who != annotator
        ]
        first = [said for entry in labels if (said := kind.preferred_first(entry.answer, entry.shown)) is not None]
        found.append(
            {
                "annotator": annotator,
                "labels": sum(entry.item in items for entry in labels),
                "skipped": len(ledger.done[annotator]) - len(labels),
                "undone": ledger.undone[annotator],
                "seconds": statistics.median(times) if times else None,
                "gold": _share(right),
                "agrees": _share(shared),
                "first": _share(first),
            }
        )
    return found


def _share(flags: Sequence[bool]) -> dict[str, float] | None:
    if not flags:
        return None
    from guerdon.evaluation.statistics.wilson import Wilson

    found = Wilson()(np.asarray(flags, dtype=float))
    return {"share": float(found.value), "low": float(found.low), "high": float(found.high), "count": len(flags)}
