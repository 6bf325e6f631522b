"""First-error F1: how well the scores of steps find the first error of a solution, or that there is none.

    predicted = the first step with probability < threshold, -1 where there is none
    F1 = 2 a c / (a + c)        a: accuracy (predicted == label) on solutions with an error, c: on those without one (label -1)

returns [3]: a, c, F1 (0 where both are 0; NaN where solutions of one kind are missing).

Shapes: ``probability``: a list for each solution, one entry for each step, that it is right; ``label``: [N], the index of the first error or -1.
Source: ProcessBench, arXiv 2412.06559, section 4: it chooses the threshold of a scorer of steps by its F1 on one of its subsets. Default 1/2.
Differs from ErrorLocalisation: a threshold, and the first error only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.metrics.error_localisation import ErrorLocalisation
from guerdon.witness import Witness


@dataclass(frozen=True)
class FirstErrorF1:
    threshold: float = 0.5

    def __call__(self, probability: Sequence[Sequence[float]], label: Sequence[int]) -> np.ndarray:
        label = np.asarray(label, dtype=int)
        found = np.array([first_below(own, self.threshold) for own in probability]) == label
        wrong, right = (float(found[kind].mean()) if kind.any() else np.nan for kind in (label >= 0, label < 0))
        both = wrong + right
        return np.array([wrong, right, 2 * wrong * right / both if both else (np.nan if np.isnan(both) else 0.0)])


def first_below(probability: Sequence[float], threshold: float) -> int:
    """The index of the first step that is thought to be wrong, or -1."""
    return next((i for i, p in enumerate(probability) if p < threshold), -1)


_given = {"probability": [[0.9, 0.2], [0.9, 0.9], [0.4, 0.9], [0.6, 0.7]], "label": [1, 0, -1, -1]}
witness = (
    Witness(FirstErrorF1(), given=_given, returns=[0.5, 0.5, 0.5], parent=ErrorLocalisation()),
    Witness(FirstErrorF1(0.3), given=_given, returns=[0.5, 1.0, 2 / 3], parent=FirstErrorF1()),
    Witness(FirstErrorF1(0.0), given=_given, returns=[0.0, 1.0, 0.0], parent=FirstErrorF1()),
)
