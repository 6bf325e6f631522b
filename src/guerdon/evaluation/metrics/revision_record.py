"""Revision record: how an agent that may change its plan between rounds used that, beside how often it won.

    over-correction = changes / rounds after the first of a match
    success         = changes after a lost round that the next round rewarded with a win / changes after a lost round
    slope           = slope of the share of wins over the number of the round, by least squares
    over-budget     = rounds in which it spent more than it had / rounds

returns [4]; NaN where there is nothing to divide by. ``won``, ``revised``, ``over`` [N]: of each round, in order; ``revised``: the plan differs from the round before;
``match`` [N].

Source: Yuan et al. 2025, arXiv 2506.12012, AdvGameBench, in its abstract and readers' notes: over-correction risk rate, correction success rate, improvement slope, over-budget
ratio. Their formulas were not read; that every change counts as a risk of over-correction is what the correlation with success there, -0.51, allows.
Differs from Accuracy: reads what was done between rounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from guerdon.evaluation.metrics.accuracy import Accuracy
from guerdon.witness import Witness


@dataclass(frozen=True)
class RevisionRecord:
    def __call__(self, won: Sequence[bool], revised: Sequence[bool], over: Sequence[bool], match: Sequence[Any]) -> np.ndarray:
        w, r, o = (np.asarray(values, dtype=bool) for values in (won, revised, over))
        m = np.asarray(match)
        follows, before = np.zeros(len(m), dtype=bool), np.ones(len(m), dtype=bool)
        follows[1:], before[1:] = m[1:] == m[:-1], w[:-1]
        number = np.zeros(len(m), dtype=int)
        for i in np.flatnonzero(follows):
            number[i] = number[i - 1] + 1
        mended = follows & r & ~before
        x = number - _share(number)
        slope = (x @ w) / (x @ x) if x.any() else np.nan
        return np.array([_share(r[follows]), _share(w[mended]), slope, _share(o)])


def _share(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


# Two matches of two rounds: lost, changed and won; won, changed and lost over budget. Wins are 1/2 in both rounds.
witness = Witness(
    RevisionRecord(),
    parent=Accuracy(),
    given={
        "won": [False, True, True, False],
        "revised": [False, True, False, True],
        "over": [False, False, False, True],
        "match": [0, 0, 1, 1],
    },
    returns=[1.0, 1.0, 0.0, 0.25],
)
