"""Performance profile: for each threshold, the share of runs that score above it, averaged over tasks.

    profile(tau) = 1 / M sum_m 1 / R sum_r [values[r, m] > tau]        one number per threshold, last axis

Shapes: ``values``: [..., R, M], runs × tasks (a list: the runs of one task); the result is [..., len(thresholds)]. Shows the whole
distribution: one profile above another everywhere is better by every aggregate.
Source: Agarwal et al. 2021, arXiv 2108.13264, section 4.2 (run-score distribution). The thresholds depend on the normalisation, so
there is no default for them.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.statistics._scores import runs_by_tasks
from guerdon.witness import Witness


@dataclass(frozen=True)
class PerformanceProfile:
    thresholds: tuple[float, ...]

    def __call__(self, values) -> np.ndarray:
        values = runs_by_tasks(values)
        return np.stack([(values > threshold).mean((-2, -1)) for threshold in self.thresholds], axis=-1)


_given = {"values": [[0.0, 1.0], [0.5, 2.0]]}
witness = Witness(
    PerformanceProfile((-1.0, 0.0, 1.0)), given=_given, returns=[1.0, 0.75, 0.25], parent=PerformanceProfile((-1.0, 0.5, 2.0))
)
