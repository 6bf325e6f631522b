"""Median over tasks of the mean over runs: blind to almost half of the tasks, and so of large variance.

    median = median_m (1 / R sum_r values[r, m])        ``values``: [..., R, M], runs × tasks (a list: the runs of one task)

Source: Agarwal et al. 2021, arXiv 2108.13264, section 4.3 (the sample median of the tasks' mean scores).
Differs from Mean: the middle task counts, the others do not.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.statistics._scores import runs_by_tasks
from guerdon.evaluation.statistics.mean import Mean
from guerdon.witness import Witness


@dataclass(frozen=True)
class Median:
    def __call__(self, values) -> np.ndarray:
        return np.median(runs_by_tasks(values).mean(-2), axis=-1)


witness = Witness(Median(), given={"values": [[0.0, 1.0, 100.0], [2.0, 3.0, 0.0]]}, returns=2.0, parent=Mean())
