"""Solvable overlap: which share of the problems both, only the first, only the second, or neither of two models can solve.

    (both, only first, only second, neither)        [4], sums to 1; a problem is solvable by whoever solved it ``at_least`` times

Shapes: ``first``, ``second``: [P], how often each of them solved a problem within its budget; the budgets should be equal.
"Only second / (both + only second)" is what is missing for the second's set to be a subset of the first's.
Source: Yue et al. 2025, arXiv 2504.13837, the comparison of the sets of problems that base model and RL-trained model can solve.
Default 1: as there.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class SolvableOverlap:
    at_least: int = 1

    def __call__(self, first, second) -> np.ndarray:
        a, b = np.asarray(first) >= self.at_least, np.asarray(second) >= self.at_least
        if a.shape != b.shape or not a.size:
            raise InputError(f"the overlap is of two models on the same problems, but they have {a.size} and {b.size}")
        return np.array([(a & b).mean(), (a & ~b).mean(), (~a & b).mean(), (~a & ~b).mean()])


_given = {"first": [3, 1, 0, 0, 2], "second": [1, 0, 1, 0, 1]}
witness = (
    Witness(SolvableOverlap(), given=_given, returns=[0.4, 0.2, 0.2, 0.2]),
    Witness(SolvableOverlap(2), given=_given, returns=[0.0, 0.4, 0.0, 0.6], parent=SolvableOverlap()),
)
