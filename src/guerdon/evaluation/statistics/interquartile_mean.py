"""Interquartile mean: the mean of the middle half of all scores, runs and tasks together.

    iqm = mean of the sorted R M values without the lowest and the highest floor(R M / 4)
    ``values``: [..., R, M], runs × tasks (a list: the runs of one task)

Less at the mercy of outliers than Mean; uses more of the scores than Median, so that its intervals are narrower.
Source: Agarwal et al. 2021, arXiv 2108.13264, section 4.3.
Differs from Mean: a score far out counts as much as one just outside the quartile, namely nothing.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.statistics._scores import runs_by_tasks
from guerdon.evaluation.statistics.mean import Mean
from guerdon.witness import Witness


@dataclass(frozen=True)
class InterquartileMean:
    def __call__(self, values) -> np.ndarray:
        values = runs_by_tasks(values)
        ordered = np.sort(values.reshape(*values.shape[:-2], -1), axis=-1)
        cut = ordered.shape[-1] // 4
        return ordered[..., cut : ordered.shape[-1] - cut].mean(-1)


witness = Witness(InterquartileMean(), given={"values": [[0.0, 2.0], [4.0, 1000.0]]}, returns=3.0, parent=Mean())
