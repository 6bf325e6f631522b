"""Best of candidates: whether the best score belongs to a right answer, where several answer one prompt.

    credit[n] = right answers among those with the highest score / answers with the highest score        [N]

``score`` and ``right``: for each prompt a list, one entry for each of its candidates.

Source: RewardBench 2, arXiv 2506.01937, section 3 (one right answer of four), with its authors' rule for ties: who has m answers at the top, the right one among
them, gets 1/m.
Differs from PairAccuracy: the right one must be ahead of all others at once; chance is the share of right candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.witness import Witness


@dataclass(frozen=True)
class BestOfCandidates:
    def __call__(self, score: Sequence[Sequence[float]], right: Sequence[Sequence[bool]]) -> np.ndarray:
        return np.array([_credit(np.asarray(s, dtype=float), np.asarray(r, dtype=bool)) for s, r in zip(score, right, strict=True)])


def _credit(score: np.ndarray, right: np.ndarray) -> float:
    if score.shape != right.shape or not len(score) or not np.isfinite(score).all():
        raise InputError("best of candidates takes for each prompt as many finite scores as it has candidates, at least one")
    top = score == score.max()
    return float(right[top].mean())


witness = Witness(
    BestOfCandidates(),
    given={"score": [[1, 0, 0, 0], [2, 2, 1, 0], [0, 1, 0, 0]], "right": [[True, False, False, False]] * 3},
    returns=[1.0, 0.5, 0.0],
    parent=PairAccuracy(),
)
