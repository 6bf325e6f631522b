"""Probability of improvement: how likely a run of one method beats a run of another on a random task.

    P = 1 / M sum_m 1 / (R S) sum_{r, s} [values[r, m] > other[s, m]] + 1/2 [values[r, m] == other[s, m]]

Shapes: ``values``: [..., R, M], ``other``: [..., S, M], runs × tasks on the same tasks (lists: the runs of one task). It says nothing
of how large the improvement is. Unpaired: every run is compared with every run.
Source: Agarwal et al. 2021, arXiv 2108.13264, section 4.3 (the average over tasks of the Mann-Whitney statistic).
"""

from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.statistics._scores import runs_by_tasks
from guerdon.witness import Witness


@dataclass(frozen=True)
class ProbabilityOfImprovement:
    def __call__(self, values, other) -> np.ndarray:
        a, b = runs_by_tasks(values), runs_by_tasks(other)
        if a.shape[-1] != b.shape[-1]:
            raise InputError(f"the methods are compared on the same tasks, but one has {a.shape[-1]} and the other {b.shape[-1]}")
        return 0.5 + 0.5 * np.sign(a[..., :, None, :] - b[..., None, :, :]).mean((-3, -2, -1))


# First task: 3 > 1 and 3 > 2, 1 = 1 and 1 < 2: 2.5 of 4; second: 0 of 4.
witness = Witness(
    ProbabilityOfImprovement(), given={"values": [[3.0, 0.0], [1.0, 0.0]], "other": [[1.0, 1.0], [2.0, 1.0]]}, returns=2.5 / 8
)
