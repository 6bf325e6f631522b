"""Error localisation: how surely the rewards of single steps tell where the errors are.

    auc = P(step_reward of a step with an error < that of a step without one), a tie counts 1/2        [N], within each sequence

1: every error has less reward than everything else; 1/2: the rewards say nothing; NaN for a sequence in which all steps, or none, are errors.
Shapes: ``step_reward``, ``error`` (true at the steps with an error) and ``mask``: [N, T].

Source: the statistic of Mann and Whitney 1947. As a question to implicit rewards: From r to Q*, arXiv 2404.12358, section 5.1, which shows it on examples.
Differs from PairAccuracy: all pairs of steps of one sequence, of which it is known which are the errors.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.witness import Witness


@dataclass(frozen=True)
class ErrorLocalisation:
    def __call__(self, step_reward, error, mask) -> np.ndarray:
        rows = zip(*(np.asarray(x, dtype=kind) for x, kind in ((step_reward, float), (error, bool), (mask, bool))), strict=True)
        return np.array([_auc(reward[real & ~wrong], reward[real & wrong]) for reward, wrong, real in rows])


def _auc(right: np.ndarray, wrong: np.ndarray) -> float:
    if not len(right) or not len(wrong):
        return float("nan")
    return float(PairAccuracy()(right[:, None], wrong[None, :]).mean())


witness = Witness(  # of the four pairs three are in order and one is a tie; the step behind the mask does not count; no errors, no answer
    ErrorLocalisation(),
    parent=PairAccuracy(),
    given={
        "step_reward": [[1.0, 0.0, -2.0, 0.0, 9.0], [1.0, 2.0, 3.0, 4.0, 5.0]],
        "error": [[False, False, True, True, True], [False] * 5],
        "mask": [[True, True, True, True, False], [True] * 5],
    },
    returns=[0.875, float("nan")],
)
