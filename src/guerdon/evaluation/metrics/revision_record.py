"""Revision record: how an agent that may change its plan between rounds used that, beside how often it won.

    over-correction = changes / rounds after the first of a match
    success         = changes that were followed by a win in that round / changes
    slope           = slope of the share of wins over the number of the round, by least squares
    over-budget     = rounds in which it spent more than it had / rounds

returns [4]; NaN where there is nothing to divide by. ``won``, ``revised``, ``over`` [N]: of each round, in order; ``revised``: the plan differs from the round before;
``match`` [N].

A change of a plan that had won is a change like any other: success falls by what was spoiled as well as by what was not mended.

Source: Yuan et al. 2025, arXiv 2506.12012, AdvGameBench, and its authors' code (xia0pengyuan/AdvGameBench, Tower_Defense/evaluator.py). There what was spent stands for the plan,
so that a change at the same price is none, the first round is in no figure, and 0 stands where there is nothing to divide by. Here the caller says what a change is.
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
        follows = np.zeros(len(m), dtype=bool)
        follows[1:] = m[1:] == m[:-1]
        number = np.zeros(len(m), dtype=int)
        for i in np.flatnonzero(follows):
            number[i] = number[i - 1] + 1
        x = number - _share(number)
        slope = (x @ w) / (x @ x) if x.any() else np.nan
        return np.array([_share(r[follows]), _share(w[follows & r]), slope, _share(o)])


def _share(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


# Two matches of two rounds: lost, changed and won; won, changed and lost over budget. Wins are 1/2 in both rounds, and of the two changes one was followed by a win.
witness = Witness(
    RevisionRecord(),
    parent=Accuracy(),
    given={
        "won": [False, True, True, False],
        "revised": [False, True, False, True],
        "over": [False, False, False, True],
        "match": [0, 0, 1, 1],
    },
    returns=[1.0, 0.5, 0.0, 0.25],
)
