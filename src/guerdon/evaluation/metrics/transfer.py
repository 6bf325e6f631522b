"""Transfer: what training on one task does for another, as a share of what training on the other itself does.

    transfer[i, j] = (score[i, j] - base[j]) / |score[j, j] - base[j]|        [K, K]; NaN where training on a task did nothing for it

``score`` [K, K]: what came of training on task i (rows), measured on task j (columns); ``base`` [K]: before. 1 on the diagonal where training helped; above 0
elsewhere where one task helps another, below 0 where it takes something away.

Source: ours; the tables of single-domain training of Li et al. 2025, arXiv 2507.17512, section 4, which give the scores themselves.
Differs from SolvableOverlap: means of tasks, not which problems.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.metrics.solvable_overlap import SolvableOverlap
from guerdon.witness import Witness


@dataclass(frozen=True)
class Transfer:
    def __call__(self, score, base) -> np.ndarray:
        score, base = np.asarray(score, dtype=float), np.asarray(base, dtype=float)
        if score.shape != (len(base), len(base)):
            raise InputError(
                f"transfer between {len(base)} tasks needs scores of as many policies on as many tasks, not of shape {score.shape}"
            )
        gain = score - base
        own = np.abs(np.diagonal(gain))
        return np.divide(gain, own, out=np.full_like(gain, np.nan), where=own > 0)


witness = (
    Witness(
        Transfer(),
        parent=SolvableOverlap(),
        given={"score": [[0.75, 0.5, 0.0], [0.375, 0.75, 0.25], [0.25, 0.25, 0.125]], "base": [0.25, 0.25, 0.25]},
        returns=[[1.0, 0.5, -2.0], [0.25, 1.0, 0.0], [0.0, 0.0, -1.0]],
    ),
    Witness(
        Transfer(), given={"score": [[0.5, 0.5], [0.5, 0.25]], "base": [0.25, 0.25]}, returns=[[1.0, float("nan")], [1.0, float("nan")]]
    ),
)
