"""The best of N: what the reward and a gold reward say of the answer that the reward likes best of N, and where the two part."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.metrics.gold_of_best import GoldOfBest
from guerdon.evaluation.metrics.overoptimisation import Overoptimisation
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.evaluation.turning import turning
from guerdon.interfaces.attacking.judging import Judge
from guerdon.interfaces.attacking.reading import Item
from guerdon.interfaces.benching.answers import last_text
from guerdon.interfaces.benching.pairs import numbers

TOP = 8  # answers that are shown


def kl_of_best(n: int) -> float:
    """The KL of the best of n from the policy, in nats: log n - (n - 1) / n, which is exact where no two answers are alike or equally good, and else more than it is."""
    return math.log(n) - (n - 1) / n


def best_of(items: Sequence[Item], judge: Judge, gold: Judge | None) -> dict[str, Any] | None:
    """Both rewards along N; None where no item has candidates.

    Raises:
        InputError: no answer can be scored.
    """
    several = [item for item in items if len(item.candidates) > 1]
    if not several:
        return None
    proxies = _scored(several, judge, "scoring candidates")
    known = gold is not None or all(len(item.golds) == len(item.candidates) for item in several)
    golds = (
        _scored(several, gold, "scoring candidates by gold")
        if gold is not None
        else [np.array(item.golds) for item in several]
        if known
        else None
    )
    kept = [i for i, own in enumerate(proxies) if np.isfinite(own).all() and (golds is None or np.isfinite(golds[i]).all())]
    if not kept:
        raise InputError("no prompt is left whose candidates all have a number, so that the best of them is not known")
    sizes = sorted(len(proxies[i]) for i in kept)
    most = sizes[len(sizes) // 2]  # those with fewer would make N end where they do
    kept = [i for i in kept if len(proxies[i]) >= most]
    p = [proxies[i] for i in kept]
    g = [golds[i] for i in kept] if golds is not None else None
    lengths = [np.array([len(last_text(c)) for c in several[i].candidates], dtype=float) for i in kept]
    ns = [n for n in (2**k for k in range(20)) if n < most] + [most]
    spread = {"proxy": _spread(p), "gold": _spread(g) if g is not None else math.nan}
    along = {"proxy": _along(p, p, ns), "characters": _along(p, lengths, ns)} | ({"gold": _along(p, g, ns)} if g is not None else {})
    points = []
    for k, n in enumerate(ns):
        point: dict[str, Any] = {"n": n, "kl": kl_of_best(n), "characters": float(along["characters"][:, k].mean())}
        for name in ("proxy", "gold") if g is not None else ("proxy",):
            values = along[name][:, k]
            gain = BootstrapMean()((values - along[name][:, 0]) / spread[name])
            point[name] = {"mean": float(values.mean()), "gain": numbers(gain)}
        points.append(point)
    found = {
        "prompts": len(kept),
        "left_out": len(several) - len(kept),
        "candidates": most,
        "gold": g is not None,
        "spread": spread,
        "points": points,
    }
    if g is not None:
        found |= _parting(along["gold"], points, spread["gold"])
        found["agreement"] = _agreement(p, g)
    return found | {"top": _top(several, kept, p, g)}


def _scored(items: Sequence[Item], judge: Judge, doing: str) -> list[np.ndarray]:
    asked = [(item.row, item.prompt, candidate) for item in items for candidate in item.candidates]
    scores = judge.scores(asked, doing)
    if not np.isfinite(scores).any():
        raise InputError(
            f"{judge.place}: {judge.called} gives no number for any candidate: {next(iter(judge.failures), 'it says nothing of them')}"
        )
    return np.split(scores, np.cumsum([len(item.candidates) for item in items])[:-1])


def _along(proxies: Sequence[np.ndarray], values: Sequence[np.ndarray], ns: Sequence[int]) -> np.ndarray:
    """[prompts, N]: the value of what is chosen by the proxy."""
    return np.array([[float(GoldOfBest(n)([p], [v])[0]) for n in ns] for p, v in zip(proxies, values, strict=True)])


def _spread(values: Sequence[np.ndarray]) -> float:
    """The standard deviation of scores among the answers to one prompt."""
    return float(np.sqrt(np.mean([own.var() for own in values]))) or 1.0


def _parting(gold: np.ndarray, points: Sequence[dict[str, Any]], spread: float) -> dict[str, Any]:
    """From where on gold falls, where that is known; where its mean is highest in any case; and the curve."""
    turn = turning(gold)
    mean = gold.mean(0)
    out: dict[str, Any] = {"highest": points[int(mean.argmax())]["n"], "parts": None, "fit": None}
    if turn is not None:
        top, seen = points[turn.top], points[turn.seen]
        out["parts"] = {"n": top["n"], "kl": top["kl"], "seen_n": seen["n"], "seen_kl": seen["kl"], "falls_by": turn.fall / spread}
    if len(points) > 3:  # the first is where nothing is gained, and two numbers are fitted
        d = np.sqrt([point["kl"] for point in points])
        alpha, beta, top, gain = Overoptimisation("best of n")(d, [point["gold"]["gain"]["value"] for point in points])
        out["fit"] = {"alpha": float(alpha), "beta": float(beta), "top_kl": float(top**2), "top_gain": float(gain)}
    return out


def _agreement(proxies: Sequence[np.ndarray], golds: Sequence[np.ndarray]) -> float:
    """The correlation of both within prompts."""
    p, g = (np.concatenate([own - own.mean() for own in side]) for side in (proxies, golds))
    norm = float(np.sqrt((p**2).sum() * (g**2).sum()))
    return float((p * g).sum()) / norm if norm > 0 else math.nan


def _top(items: Sequence[Item], kept: Sequence[int], p: Sequence[np.ndarray], g: Sequence[np.ndarray] | None) -> list[dict[str, Any]]:
    """The best of all candidates of each prompt, those first that the reward puts furthest ahead of the prompt's mean."""
    best = []
    for place, i in enumerate(kept):
        at = int(p[place].argmax())
        mean = float(p[place].mean())
        row = {
            "row": items[i].number,
            "prompt": items[i].prompt,
            "answer": items[i].candidates[at],
            "proxy": float(p[place][at]),
            "mean_proxy": mean,
        }
        if g is not None:
            row |= {"gold": float(g[place][at]), "mean_gold": float(g[place].mean())}
        best.append(row)
    return sorted(best, key=lambda row: row["mean_proxy"] - row["proxy"])[:TOP]
