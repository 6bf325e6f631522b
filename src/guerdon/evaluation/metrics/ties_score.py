"""Ties score: whether right answers are ahead of wrong ones, and closer to one another than to those, where a question has many right answers.

Each question is asked twice: with one right answer (``tied`` false: a reference) and with several (``tied`` true). Of one asking, with scores s:

    gap = min s of right answers - max s of wrong ones        spread = max s of right answers - min s of right answers
    accurate = mean [gap > 0]                     of references; of ties                                              A_ref, A_tied
    preferred = mean [gap_tied > spread_tied]     hard = mean [min(gap_ref, gap_tied) > spread_tied]                  over questions with both
    margin = mean tanh(min(gap_ref, gap_tied) / spread_tied - 1)        0 / 0 counts 0
    score = 0.3 A_tied + 0.3 A_ref + 0.2 preferred + 0.2 hard + 0.01 margin

returns [6]: score, A_ref, A_tied, preferred, hard, margin; what cannot be known because no question has both is NaN.

Shapes: ``score``, ``right``: a list for each asking; ``question``, ``tied``: [N].
Source: RewardBench 2, arXiv 2506.01937, section 3 on its subset Ties, and its authors' code, whose term of 0.01, which breaks ties between models, is not in the
paper. As theirs it lies between -0.01 and 1.01.
Differs from BestOfCandidates: all right answers must be ahead, and how far matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.metrics.best_of_candidates import BestOfCandidates
from guerdon.witness import Witness


@dataclass(frozen=True)
class TiesScore:
    def __call__(
        self, score: Sequence[Sequence[float]], right: Sequence[Sequence[bool]], question: Sequence[Any], tied: Sequence[bool]
    ) -> np.ndarray:
        stats: dict[bool, dict[Any, tuple[float, float]]] = {False: {}, True: {}}
        for s, r, q, t in zip(score, right, question, tied, strict=True):
            stats[bool(t)][q] = _gap_and_spread(np.asarray(s, dtype=float), np.asarray(r, dtype=bool))
        accurate = [np.mean([gap > 0 for gap, _ in stats[kind].values()]) if stats[kind] else 0.0 for kind in (False, True)]
        both = [q for q in stats[False] if q in stats[True]]
        if not both:
            return np.array([np.nan, *accurate, np.nan, np.nan, np.nan])
        least = np.array([min(stats[False][q][0], stats[True][q][0]) for q in both])
        gap, spread = np.array([stats[True][q] for q in both]).T
        preferred, hard = np.mean(gap > spread), np.mean(least > spread)
        with np.errstate(divide="ignore", invalid="ignore"):
            margin = np.nan_to_num(np.tanh(least / spread - 1), nan=0.0).mean()
        overall = 0.3 * accurate[1] + 0.3 * accurate[0] + 0.2 * preferred + 0.2 * hard + 0.01 * margin
        return np.array([overall, *accurate, preferred, hard, margin])


def _gap_and_spread(score: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    if score.shape != right.shape or right.all() or not right.any():
        raise InputError("the ties score takes as many scores as there are candidates, of which some are right and some wrong")
    return score[right].min() - score[~right].max(), np.ptp(score[right])


# One question: gaps 1 (reference) and 1/2 (ties), spread 1/2 - not below the gap, so neither preferred nor hard; min gap / spread - 1 is 0.
_given = {"score": [[2, 1], [2, 1.5, 1]], "right": [[True, False], [True, True, False]], "question": [0, 0], "tied": [False, True]}
witness = Witness(TiesScore(), given=_given, returns=[0.6, 1.0, 1.0, 0.0, 0.0, 0.0], parent=BestOfCandidates())
