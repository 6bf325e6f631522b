"""What scores go along with besides what is better: length and marks of style."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from guerdon.catalogue import parts_in, resolve
from guerdon.evaluation.metrics.explained_by_style import ExplainedByStyle
from guerdon.evaluation.metrics.paired_correlation import PairedCorrelation
from guerdon.interfaces.benching.answers import Pair, margins, text_of
from guerdon.interfaces.benching.pairs import right, share
from guerdon.randomness import derive

STYLES = "evaluation.styles"
LENGTH = "characters"
RESAMPLES = 200
FEWEST = 10  # pairs that differ: of fewer an interval says nothing


def following(pairs: Sequence[Pair]) -> dict[str, Any]:
    """By style the correlation of margins with its differences, that of what is better, and how much all styles together explain; accuracy where the better
    answer is the shorter, and where it is the longer."""
    margin = margins(list(pairs))
    texts = [[text_of(pair.better) for pair in pairs], [text_of(pair.worse) for pair in pairs]]
    differences = {}
    for name in parts_in(STYLES):
        style = resolve(name, STYLES)()
        better, worse = (style(side) for side in texts)
        differences[name] = better - worse
    values, length = right(pairs), differences[LENGTH]
    there = {name: own for name, own in differences.items() if own.any()}
    styles = [
        {
            "name": name,
            "correlation": _interval(PairedCorrelation(), margin, own, known=int((own != 0).sum()) >= FEWEST),
            "of_what_is_better": float(PairedCorrelation()(np.ones(len(margin)), own)),
            "pairs": int((own != 0).sum()),
        }
        for name, own in there.items()
    ]
    matrix = np.stack(list(there.values()), axis=-1) if there else np.zeros((len(margin), 0))
    return {
        "styles": styles,
        "explained": float(ExplainedByStyle()(margin, matrix)) if there else 0.0,
        "shorter_is_better": share(values[length < 0]),
        "longer_is_better": share(values[length > 0]),
        "prefers_longer": share((np.sign(margin * np.sign(length))[length != 0] + 1) / 2),
        "points": [[float(d), float(m)] for d, m in zip(length, margin, strict=True)],
    }


def _interval(metric: Callable[..., Any], *arrays: np.ndarray, known: bool) -> dict[str, float]:
    """A figure of pairs with the interval that drawing other pairs would give it, where that can be known."""
    if not known:
        return {"value": float(metric(*arrays)), "low": float("nan"), "high": float("nan")}
    draw = np.random.default_rng(derive(0, "pairs"))
    size = len(arrays[0])
    drawn = [float(metric(*(array[at] for array in arrays))) for at in (draw.integers(size, size=size) for _ in range(RESAMPLES))]
    low, high = np.quantile([value for value in drawn if np.isfinite(value)], [0.025, 0.975])
    return {"value": float(metric(*arrays)), "low": float(low), "high": float(high)}
