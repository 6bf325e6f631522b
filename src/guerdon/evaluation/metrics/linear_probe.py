"""Linear probe: what a straight function of features says of each item, when it was fitted without that item.

    prediction_i = a + b . features_i,   (a, b) = argmin over the items of other folds of  sum (target - a - b . features)^2 + ridge S |b|^2        [N]

Shapes: ``features`` [N, D], ``target`` [N], in its unit; the result is in that unit as well. Item i is in fold i mod ``folds``: shuffle before. S is the mean square of a centred
feature, times the number of items that are fitted, so that ridges mean the same at any scale. Of several ``ridges`` that is taken for each fold which leaves the least square error
at items left out one by one of those that are fitted: so none of them has seen what is predicted. Features that differ in kind (two models', or a difference) are then compared by
how well they predict, at the same number of them.

Source: Alain and Bengio 2016, arXiv 1610.01644, for the idea; ridge and folds are common practice. Defaults: ours, ridges from where hardly anything is held back to where hardly
anything is said.
Differs from RankCorrelation: it fits, and answers item by item; to be correlated with the target afterwards.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.witness import Witness


@dataclass(frozen=True)
class LinearProbe:
    folds: int = 5
    ridges: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0, 10.0)

    def __post_init__(self) -> None:
        if self.folds < 2 or not self.ridges or min(self.ridges) < 0:
            raise InputError(f"{self!r}: a probe needs two folds at least and ridges of 0 or more")

    def __call__(self, features, target) -> np.ndarray:
        x, y = np.asarray(features, dtype=float), np.asarray(target, dtype=float)
        if x.ndim != 2 or y.shape != x.shape[:1] or len(y) < self.folds:
            raise InputError(
                f"a probe with {self.folds} folds takes features of as many items or more and a target of each, not {x.shape} and {y.shape}"
            )
        fold, said = np.arange(len(y)) % self.folds, np.empty(len(y))
        for k in range(self.folds):
            said[fold == k] = self._told(x[fold != k], y[fold != k], x[fold == k])
        return said

    def _told(self, x: np.ndarray, y: np.ndarray, asked: np.ndarray) -> np.ndarray:
        middle, mean = x.mean(0), y.mean()
        u, size, v = np.linalg.svd(x - middle, full_matrices=False)
        scale = (size**2).sum() / x.shape[1]
        shrunk = [_shrunk(size, ridge * scale) for ridge in self.ridges]
        errors = [_left_out(u * (size * s), u, y - mean) for s in shrunk] if len(shrunk) > 1 else [0.0]
        return mean + (asked - middle) @ (v.T @ (shrunk[int(np.argmin(errors))] * (u.T @ (y - mean))))


def _shrunk(size: np.ndarray, penalty: float) -> np.ndarray:
    """What a direction of this size is multiplied with, of the targets along it."""
    known = size > 1e-12 * size.max(initial=0.0)
    return np.where(known, size / np.where(known, size**2 + penalty, 1.0), 0.0)


def _left_out(weighed: np.ndarray, u: np.ndarray, y: np.ndarray) -> float:
    """The square error at items left out one by one; an item that determines its own prediction has told nothing."""
    own = 1 / len(y) + (weighed * u).sum(1)
    rest = y - weighed @ (u.T @ y)
    free = own < 1 - 1e-9
    return float(((rest[free] / (1 - own[free])) ** 2).mean()) if free.any() else np.inf


# Of items 1 and 3 the centred feature has -1, 1 and the target -2, 2: a slope of 4 / (2 + 2) about (2, 4); of items 0 and 2 the same about (1, 2). On a line, the least ridge.
witness = (
    Witness(
        LinearProbe(folds=2, ridges=(1.0,)),
        given={"features": [[0.0], [1.0], [2.0], [3.0]], "target": [0.0, 2.0, 4.0, 6.0]},
        returns=[2.0, 2.0, 4.0, 4.0],
        parent=RankCorrelation(),
    ),
    Witness(
        LinearProbe(folds=2, ridges=(1.0, 0.0)),
        given={"features": [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], "target": [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]},
        returns=[0.0, 2.0, 4.0, 6.0, 8.0, 10.0],
        parent=LinearProbe(folds=2, ridges=(1.0,)),
    ),
    Witness(  # items 1 and 3 lie on 2 + x, items 0 and 2 on 2 x
        LinearProbe(folds=2, ridges=(0.0,)),
        given={"features": [[0.0], [1.0], [2.0], [3.0]], "target": [0.0, 3.0, 4.0, 5.0]},
        returns=[2.0, 2.0, 4.0, 6.0],
        parent=LinearProbe(folds=4, ridges=(0.0,)),
    ),
)
