"""Exact pass at k: the probability that at least one of k answers is right, where the probability of a right one is known.

    pass@k = 1 - (1 - p)^k        ``probability`` [P], the chance that one answer is right; the result is [P]

Computed as -expm1(k log1p(-p)), so that a small p keeps its digits.
Source: the definition that Chen et al. 2021, arXiv 2107.03374, section 2.1, estimate; for finite worlds, whose p is a sum.
Differs from PassAtK: no samples and no error, but p has to be known; put an estimated p in and it is biased low.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class ExactPassAtK:
    k: int = 1

    def __call__(self, probability) -> np.ndarray:
        p = np.asarray(probability, dtype=float)
        if self.k < 1 or (p < -1e-9).any() or (p > 1 + 1e-9).any():
            raise InputError(f"pass@{self.k} takes k of at least 1 and probabilities between 0 and 1")
        p = np.clip(p, 0.0, 1.0)
        return np.where(p == 1.0, 1.0, -np.expm1(self.k * np.log1p(-np.where(p == 1.0, 0.0, p))))


_given = {"probability": [0.0, 0.5, 1.0]}
witness = (
    Witness(ExactPassAtK(), given=_given, returns=[0.0, 0.5, 1.0]),
    Witness(ExactPassAtK(2), given=_given, returns=[0.0, 0.75, 1.0], parent=ExactPassAtK()),
)
