"""What comes of pairs: how often the better answer scores higher, by category, and whether margins mean what they say."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from guerdon.evaluation.metrics.brier import Brier
from guerdon.evaluation.metrics.calibration_error import CalibrationError
from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.evaluation.metrics.reliability import Reliability
from guerdon.evaluation.statistics import Estimate
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.interfaces.benching.answers import Pair, margins

BINS = 20  # of 0 to 1; confidences lie in the upper half


def share(values: Sequence[float] | np.ndarray) -> dict[str, float]:
    """A share with Wilson's interval, and of how many."""
    return {**numbers(Wilson()(values)), "of": len(values)} if len(values) else {"value": np.nan, "low": np.nan, "high": np.nan, "of": 0}


def numbers(estimate: Estimate) -> dict[str, float]:
    return {name: float(value) for name, value in estimate._asdict().items()}


def right(pairs: Sequence[Pair]) -> np.ndarray:
    """[N]: 1 where the better answer scores higher, 1/2 for equal scores."""
    return PairAccuracy()([pair.better_score for pair in pairs], [pair.worse_score for pair in pairs])


def accuracies(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Accuracy of all and by category, and the mean over categories."""
    values, by = right(pairs), [pair.category for pair in pairs]
    found: dict[str, Any] = {"accuracy": share(values), "chance": 0.5, "margin": float(margins(list(pairs)).mean())}
    return found | by_category(
        by, {name: share([v for v, own in zip(values, by, strict=True) if own == name]) for name in dict.fromkeys(by)}
    )


def by_category(names: Sequence[str], shares: Mapping[str, dict[str, float]]) -> dict[str, Any]:
    """The categories, where there are several, in their order, and the mean over them."""
    if len(set(names)) < 2:
        return {}
    categories = [{"name": name or "(none)", **shares[name]} for name in sorted(shares)]
    return {"categories": categories, "mean_of_categories": float(np.mean([c["value"] for c in categories]))}


def calibration(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Of the probability sigmoid(margin) with which the model prefers what it prefers: how often it is right.

    Pairs of equal scores are said to be right with 1/2, and are.
    """
    margin = margins(list(pairs))
    probability = 1 / (1 + np.exp(-np.clip(margin, -700, 700)))
    confidence, happened = np.maximum(probability, 1 - probability), right(pairs)
    said = Reliability(BINS)(confidence, happened)
    bins = [{"said": float(s), "happened": float(h), "pairs": int(n)} for s, h, n in said if n]
    return {
        "expected_error": float(CalibrationError(BINS)(confidence, happened)),
        "brier": float(Brier()(probability, np.ones(len(pairs))).mean()),
        "mean_confidence": float(confidence.mean()),
        "bins": bins,
    }


def worst(pairs: Sequence[Pair], row_numbers: Sequence[int], most: int) -> list[dict[str, Any]]:
    """The pairs that are most surely wrong."""
    wrong = sorted((pair for pair in pairs if pair.margin < 0), key=lambda pair: pair.margin)[:most]
    return [
        {
            "row": row_numbers[pair.row],
            "margin": pair.margin,
            "better_score": pair.better_score,
            "worse_score": pair.worse_score,
            "category": pair.category,
            "prompt": pair.prompt,
            "better": pair.better,
            "worse": pair.worse,
        }
        for pair in wrong
    ]
