"""Tables: from log-probabilities of pairs to what the page shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.sequences import Example
from studies.real_comparisons._objectives import OBJECTIVES
from studies.real_comparisons._points import Points

ORDERS = (1, 2)  # seeds of further orders of the training pairs, for DPO: how much of a difference is that of the order

Measured = Mapping[str, list[float]]


def tables(points: Points) -> dict[str, Any]:
    """Everything that is measured, as JSON holds it. An estimate is [value, low, high], the interval of 95 %."""
    start, rates = points.untrained(), points.size.learning_rates
    found = {}
    for name, terms in OBJECTIVES.items():
        grid = [points.learned(name, terms, rate) for rate in rates]
        chosen = best([accuracy(log_ratios(point["validation"], start["validation"])) for point in grid])
        found[name] = (grid, chosen, points.tested(name, terms, rates[chosen]))
    dpo = right(log_ratios(found["DPO"][2]["test"], start["test"]))
    out = {}
    for name, (grid, chosen, tested) in found.items():
        ratios = log_ratios(tested["test"], start["test"])
        out[name] = {
            "learning_rate": rates[chosen],
            **of_a_model(tested["test"], start["test"], tested["answers"]),
            "accuracy_less_dpos": _estimate(BootstrapMean()(right(ratios) - dpo)),
            "own_accuracy_less_untrained": _estimate(BootstrapMean()(right(lead(tested["test"])) - right(lead(start["test"])))),
            "cpu_s": round(grid[chosen]["cpu_s"], 1),
            "grid": {f"{rate:g}": _point(point, start) for rate, point in zip(rates, grid, strict=True)},
        }
    rate = out["DPO"]["learning_rate"]
    reordered = [points.reordered("DPO", OBJECTIVES["DPO"], rate, seed)["test"] for seed in ORDERS]
    orders = [_reordered(now, start["test"], dpo) for now in reordered]
    seconds = sum(kept["total_cpu_s"] for kept in points.here.values())
    untrained = of_a_model(start["test"], start["test"], start["answers"]) | {"cpu_s": round(start["cpu_s"], 1)}
    length = length_only(points.pairs["train"], points.pairs["test"])
    return {
        "settings": points.settings,
        "cpu_s": round(seconds),
        "untrained": untrained,
        "length": length,
        "objectives": out,
        "dpo_in_other_orders": orders,
    }


def _reordered(now: Measured, start: Measured, dpo: np.ndarray) -> dict[str, Any]:
    """DPO with the training pairs in another order."""
    ratios = log_ratios(now, start)
    shown = {
        "accuracy": Wilson()(right(ratios)),
        "accuracy_less_dpos": BootstrapMean()(right(ratios) - dpo),
        "margin": BootstrapMean()(ratios),
    }
    change = BootstrapMean()(np.array(now["chosen"]) - np.array(start["chosen"]))
    return {name: _estimate(value) for name, value in (*shown.items(), ("chosen_change", change))}


def _point(point: Mapping[str, Any], start: Mapping[str, Any]) -> dict[str, float]:
    """A point of the grid, on the validation pairs."""
    now, before = point["validation"], start["validation"]
    ratios = log_ratios(now, before)
    shown = {
        "accuracy": accuracy(ratios),
        "margin": ratios.mean(),
        "chosen_change": np.mean(np.array(now["chosen"]) - np.array(before["chosen"])),
    }
    return {name: round(float(value), 4) for name, value in shown.items()}


def of_a_model(now: Measured, start: Measured, answers: Measured) -> dict[str, Any]:
    """What is shown of one model on the test pairs, and of its answers."""
    change = {side: np.array(now[side]) - np.array(start[side]) for side in ("chosen", "rejected")}
    per_token = {side: np.array(now[side]) / np.array(now[f"{side}_tokens"]) for side in change}
    change_per_token = {side: change[side] / np.array(now[f"{side}_tokens"]) for side in change}
    tokens, kl = np.array(answers["tokens"]), np.array(answers["kl"])
    return {
        "accuracy": _estimate(Wilson()(right(log_ratios(now, start)))),
        "own_accuracy": _estimate(Wilson()(right(lead(now)))),
        "own_accuracy_per_token": _estimate(Wilson()(right(per_token["chosen"] - per_token["rejected"]))),
        "margin": _estimate(BootstrapMean()(change["chosen"] - change["rejected"])),
        "margin_per_token": _estimate(BootstrapMean()(change_per_token["chosen"] - change_per_token["rejected"])),
        "chosen_change": _estimate(BootstrapMean()(change["chosen"])),
        "rejected_change": _estimate(BootstrapMean()(change["rejected"])),
        "kl": _estimate(BootstrapMean()(kl)),
        "kl_per_token": round(float(kl.sum() / tokens.sum()), 4),
        "answer_tokens": _estimate(BootstrapMean()(tokens)),
        "answers_ended": round(float(np.mean(answers["ended"])), 4),
    }


def length_only(train: Sequence[Example], test: Sequence[Example]) -> dict[str, Any]:
    """The rule that reads only which answer has more tokens; whether more is better, the training pairs say."""
    sign = float(np.sign(np.mean(np.subtract(*_tokens(train)))))
    return {"prefers": "longer" if sign > 0 else "shorter", "accuracy": _estimate(Wilson()(right(sign * np.subtract(*_tokens(test)))))}


def _tokens(pairs: Sequence[Example]) -> list[np.ndarray]:
    return [np.array([len(pair.sides[side].actions) for pair in pairs], dtype=float) for side in ("chosen", "rejected")]


def best(accuracies: Sequence[float]) -> int:
    """The place of the highest, the first of several."""
    return int(np.argmax(accuracies))


def lead(of: Measured) -> np.ndarray:
    """How much more likely the chosen answer is than the rejected one, pair by pair [N], in nats."""
    return np.array(of["chosen"]) - np.array(of["rejected"])


def log_ratios(now: Measured, start: Measured) -> np.ndarray:
    """What the lead has become more than it was at the start [N], in nats."""
    return lead(now) - lead(start)


def right(difference: np.ndarray) -> np.ndarray:
    """1 where the chosen side leads, 1/2 for a tie."""
    return np.asarray(PairAccuracy()(difference, np.zeros_like(difference)), dtype=float)


def accuracy(difference: np.ndarray) -> float:
    return float(right(difference).mean())


def _estimate(estimate: Any) -> list[float]:
    """Value, low, high."""
    return [round(float(x), 4) for x in (estimate.value, estimate.low, estimate.high)]
