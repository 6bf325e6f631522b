"""What comes of solutions in steps: how often the first error is found where it is, and none where there is none, as ProcessBench counts it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from guerdon.data.formats.unpaired import verdict
from guerdon.evaluation.metrics.brier import Brier
from guerdon.evaluation.metrics.calibration_error import CalibrationError
from guerdon.evaluation.metrics.first_error_f1 import FirstErrorF1, first_below
from guerdon.evaluation.metrics.reliability import Reliability
from guerdon.interfaces.benching.pairs import share
from guerdon.interfaces.benching.reading import Rows
from guerdon.interfaces.benching.scoring import TOO_LONG, Scoring

BINS = 10


@dataclass(frozen=True)
class Solution:
    """A solution: how likely each step is right, as the model has it, and the index of the first error, or -1."""

    row: int
    probability: list[float]
    verdicts: list[bool]
    category: str

    @property
    def label(self) -> int:
        return next((i for i, right in enumerate(self.verdicts) if not right), -1)


def scored_solutions(rows: Rows, scoring: Scoring) -> list[Solution]:
    """Every solution that fits."""
    from rich.console import Console
    from rich.progress import track

    found = []
    console = Console(stderr=True, quiet=scoring.quiet)
    for index, row in track(list(enumerate(rows.rows)), "scoring steps", console=console, transient=True):
        probability = scoring.step_probabilities(row, rows.numbers[index], rows.where)
        if probability is None:
            rows.left_out[TOO_LONG] = rows.left_out.get(TOO_LONG, 0) + 1
            continue
        found.append(Solution(index, probability, [verdict(label) > 0.5 for label in row["labels"]], rows.category_of(row)))
    return found


def first_errors(found: list[Solution], threshold: float) -> dict[str, Any]:
    """F1 at a threshold, with its two accuracies, by category; and at the threshold that would have been best."""
    out: dict[str, Any] = {"threshold": threshold, **_f1(found, threshold)}
    names = dict.fromkeys(one.category for one in found)
    if len(names) > 1:
        out["categories"] = [
            {"name": name or "(none)", **_f1([one for one in found if one.category == name], threshold)} for name in sorted(names)
        ]
        known = [c["f1"] for c in out["categories"] if np.isfinite(c["f1"])]
        out["mean_of_categories"] = float(np.mean(known)) if known else float("nan")
    best = max(_thresholds(found), key=lambda t: np.nan_to_num(_values(found, t)[2], nan=-1.0))
    out["best"] = {"threshold": float(best), "f1": float(_values(found, best)[2])}
    return out


def _values(found: list[Solution], threshold: float) -> np.ndarray:
    return FirstErrorF1(threshold)([one.probability for one in found], [one.label for one in found])


def _f1(found: list[Solution], threshold: float) -> dict[str, Any]:
    hit = {
        kind: [float(first_below(one.probability, threshold) == one.label) for one in found if (one.label >= 0) == kind]
        for kind in (True, False)
    }
    return {"f1": float(_values(found, threshold)[2]), "with_an_error": share(hit[True]), "without": share(hit[False]), "of": len(found)}


def _thresholds(found: list[Solution]) -> list[float]:
    """Where the F1 can change, thinned to a hundred, the middle between neighbours."""
    said = np.unique([p for one in found for p in one.probability])
    between = np.concatenate([[0.0], (said[1:] + said[:-1]) / 2, [1.0]])
    return list(between[np.linspace(0, len(between) - 1, min(len(between), 100)).astype(int)])


def calibration(found: list[Solution]) -> dict[str, Any]:
    """Of the probability that a step is right: how often it is. Of each solution the steps through its first error, since it is known of these."""
    known = [(p, right) for one in found for p, right in list(zip(one.probability, one.verdicts, strict=True))[: one.label + 1 or None]]
    probability, label = (np.array(column, dtype=float) for column in zip(*known, strict=True))
    bins = [{"said": float(s), "happened": float(h), "pairs": int(n)} for s, h, n in Reliability(BINS)(probability, label) if n]
    return {
        "expected_error": float(CalibrationError(BINS)(probability, label)),
        "brier": float(Brier()(probability, label).mean()),
        "mean_confidence": float(probability.mean()),
        "right_steps": float(label.mean()),
        "bins": bins,
    }


def worst(found: list[Solution], rows: Rows, most: int) -> list[dict[str, Any]]:
    """Solutions of which the model is most surely wrong: errors that it thinks right, and right steps that it thinks wrong."""

    def surely(one: Solution) -> float:
        return one.probability[one.label] if one.label >= 0 else 1 - min(one.probability)

    wrong = sorted(found, key=lambda one: -surely(one))[:most]
    return [
        {
            "row": rows.numbers[one.row],
            "label": one.label,
            "wrong_by": surely(one),
            "category": one.category,
            "prompt": rows.rows[one.row]["prompt"],
            "steps": [{"text": text, "probability": p} for text, p in zip(rows.rows[one.row]["completions"], one.probability, strict=True)],
        }
        for one in wrong
        if surely(one) > 0.5
    ]
