"""Optimality gap: by how much the scores fall short of ``target``, where exceeding it earns nothing. Lower is better.

    gap = target - mean(min(values, target))        ``values``: [..., R, M], runs × tasks (a list: the runs of one task)

Source: Agarwal et al. 2021, arXiv 2108.13264, section 4.3. Default target 1: the score of a human in their normalisation.
Differs from Mean: a task that is solved more than well does not make up for one that is not.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.statistics._scores import runs_by_tasks
from guerdon.evaluation.statistics.mean import Mean
from guerdon.witness import Witness


@dataclass(frozen=True)
class OptimalityGap:
    target: float = 1.0

    def __call__(self, values) -> np.ndarray:
        return self.target - np.minimum(runs_by_tasks(values), self.target).mean((-2, -1))


_given = {"values": [[0.0, 2.0], [0.5, 3.0]]}
witness = (
    Witness(OptimalityGap(), given=_given, returns=0.375, parent=Mean()),
    Witness(OptimalityGap(2.0), given=_given, returns=0.875, parent=OptimalityGap()),
)
