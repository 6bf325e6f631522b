"""Agreement: how often margins have the sign that the annotator gave, over all pairs, over pairs of like length, and beside length in one model."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from guerdon.feedback.formats import Case
from guerdon.feedback.formats.preference_token import PreferenceToken
from guerdon.feedback.writers import Writer
from studies.which_judge._rows import Pair

ALIKE = 0.2  # pairs whose lengths differ by less than this, as the logarithm of their ratio, are of like length
FOLDS = 5
PENALTIES = (0.1, 1.0, 10.0)  # of the embeddings' logistic comparison; chosen on folds within what is learned from
DRAWS = 500


def of_judge(pairs: Sequence[Pair], writer: Writer, longest: int, seed: int) -> dict[str, Any]:
    """By verdict token in both orders: the mean of both, each by itself, and how often the place decides."""
    cases = [Case(pair.instruction[:longest], tuple(text[:longest] for text in pair.answers)) for pair in pairs]
    turned = [Case(case.prompt, case.answers[::-1]) for case in cases]
    said = PreferenceToken()(writer, [*cases, *turned], seed)
    value = np.array([0.5 if verdict.value is None else verdict.value for verdict in said])
    straight, other = value[: len(pairs)], value[len(pairs) :]
    return {
        "both orders": of_margin((straight + 1 - other) / 2 - 0.5, pairs, seed),
        "one order": of_margin(straight - 0.5, pairs, seed),
        "first place": [float(np.mean(np.concatenate([straight, other]) > 0.5)), len(said)],
        "same in both orders": float(np.mean((straight > 0.5) == (other < 0.5))),
        "unread": sum(verdict.value is None for verdict in said),
        "tokens": float(np.mean([verdict.read for verdict in said])),
    }


def of_length(pairs: Sequence[Pair], seed: int) -> dict[str, Any]:
    """The longer answer is the better one."""
    return of_margin(np.array([pair.longer for pair in pairs]), pairs, seed, alone=True)


def of_embeddings(pairs: Sequence[Pair], embed: Callable[[list[str]], Any], seed: int) -> dict[str, Any]:
    """A logistic comparison of answers' embeddings, by themselves and times the instruction's; learned on other instructions, and, beside that, on other writers too."""
    texts = sorted({text for pair in pairs for text in (pair.instruction, *pair.answers)})
    found = dict(zip(texts, np.asarray(embed(texts), dtype=np.float64), strict=True))
    features = np.stack([_apart(found, pair) for pair in pairs])
    label = np.array([pair.first for pair in pairs], dtype=float)
    names = sorted({pair.instruction for pair in pairs})
    fold = np.array([names.index(pair.instruction) % FOLDS for pair in pairs])
    others = sorted({pair.other for pair in pairs})
    writer = np.array([others.index(pair.other) for pair in pairs])
    out = {"other instructions": of_margin(_held_out(features, label, fold, lambda k: fold != k, fold), pairs, seed)}
    if len(others) > 1:
        margin = np.zeros(len(pairs))
        for own in range(len(others)):
            mine = writer == own
            margin[mine] = _held_out(features, label, fold, lambda k, mine=mine: (fold != k) & ~mine, fold)[mine]
        out["other instructions and writers"] = of_margin(margin, pairs, seed)
    return out


def of_margin(margin: np.ndarray, pairs: Sequence[Pair], seed: int, alone: bool = False) -> dict[str, Any]:
    """Agreement with intervals over instructions. ``margin``: above 0 says that the first is better."""
    first = np.array([pair.first for pair in pairs])
    longer = np.array([pair.longer for pair in pairs])
    right = np.where(margin == 0, 0.5, (margin > 0) == first)
    alike = np.abs(longer) < ALIKE
    names = np.array([pair.instruction for pair in pairs])
    out: dict[str, Any] = {"pairs": len(pairs), "agreement": _interval(lambda i: right[i].mean(), names, seed)}
    out["alike"] = int(alike.sum())
    out["agreement of like length"] = _interval(lambda i: right[i][alike[i]].mean() if alike[i].any() else np.nan, names, seed)
    if not alone:
        unit = margin / (margin.std() or 1.0)
        both = np.stack([unit, longer / (longer.std() or 1.0)], -1)
        out["weight"] = _interval(lambda i: _newton(both[i], first[i])[0], names, seed)
        out["weight of length"] = _interval(lambda i: _newton(both[i], first[i])[1], names, seed)
    return out


def _apart(found: dict[str, np.ndarray], pair: Pair) -> np.ndarray:
    asked, a, b = (found[text] for text in (pair.instruction, *pair.answers))
    return np.concatenate([a - b, asked * (a - b) * np.sqrt(len(asked))])


def _held_out(
    features: np.ndarray, label: np.ndarray, fold: np.ndarray, learned: Callable[[int], np.ndarray], folds: np.ndarray
) -> np.ndarray:
    """Margins of each fold by what was learned outside of it; the penalty is chosen on folds within that."""
    margin = np.zeros(len(label))
    for k in range(FOLDS):
        on = learned(k)
        inner = folds == (k + 1) % FOLDS
        fits = {
            p: np.mean(((features[on & inner] @ _logistic(features[on & ~inner], label[on & ~inner], p)) > 0) == label[on & inner])
            for p in PENALTIES
        }
        best = max(PENALTIES, key=fits.__getitem__)
        margin[fold == k] = features[fold == k] @ _logistic(features[on], label[on], best)
    return margin


def _logistic(features: np.ndarray, label: np.ndarray, penalty: float) -> np.ndarray:
    """Weights without an intercept, since the order of a pair says nothing."""
    from scipy.optimize import minimize

    sign = 2 * label - 1

    def loss(weight: np.ndarray) -> tuple[float, np.ndarray]:
        z = sign * (features @ weight)
        chance = 1 / (1 + np.exp(np.clip(z, -30, 30)))
        return np.logaddexp(0, -z).sum() + penalty / 2 * weight @ weight, penalty * weight - features.T @ (sign * chance)

    return minimize(loss, np.zeros(features.shape[1]), jac=True, method="L-BFGS-B").x


def _newton(features: np.ndarray, first: np.ndarray, penalty: float = 0.1) -> np.ndarray:
    """The same of few features, which is drawn anew many times."""
    weight, sign = np.zeros(features.shape[1]), np.where(first, 1.0, -1.0)
    for _ in range(8):
        chance = 1 / (1 + np.exp(np.clip(sign * (features @ weight), -30, 30)))
        slope = penalty * weight - features.T @ (sign * chance)
        curve = penalty * np.eye(len(weight)) + (features * (chance * (1 - chance))[:, None]).T @ features
        weight = weight - np.linalg.solve(curve, slope)
    return weight


def _interval(of: Callable[[np.ndarray], float], names: np.ndarray, seed: int) -> list[float]:
    """The value with a 95 % interval from drawing instructions anew."""
    places = [np.flatnonzero(names == name) for name in np.unique(names)]
    rng = np.random.default_rng(seed)
    drawn = [of(np.concatenate([places[i] for i in rng.integers(len(places), size=len(places))])) for _ in range(DRAWS)]
    known = np.array([value for value in drawn if np.isfinite(value)])
    value = float(of(np.arange(len(names))))
    if not len(known) or not np.isfinite(value):
        return []
    return [value, *map(float, np.quantile(known, [0.025, 0.975]))]
