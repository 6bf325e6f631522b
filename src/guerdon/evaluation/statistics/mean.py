"""Mean over tasks and runs, the aggregate that a single task with large scores can dominate.

    mean = 1 / (R M) sum_r sum_m values        ``values``: [..., R, M], runs × tasks (a list: the runs of one task)

Source: Agarwal et al. 2021, arXiv 2108.13264, section 4.3.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.statistics._scores import runs_by_tasks
from guerdon.witness import Witness


@dataclass(frozen=True)
class Mean:
    def __call__(self, values) -> np.ndarray:
        return runs_by_tasks(values).mean((-2, -1))


witness = Witness(Mean(), given={"values": [[0.0, 1.0], [2.0, 9.0]]}, returns=3.0)
