"""Co-influence: what a GRPO step on each of some prompts promises for a target.

    influence(q) = sqrt(a (1 - a)) <target, right(q) - wrong(q)>        [Q], the target's rise per unit of a step on q

``rate`` [Q] is a, how often q is answered right. ``right`` and ``wrong`` [Q, D]: the mean gradient of log p over its right, and over its wrong answers; ``target`` [D]: the
gradient of what is to rise, such as the expected reward of other prompts. A prompt that is always or never solved promises nothing, nor does one that has nothing to do
with the target. Where there is no right answer, or no wrong one, its gradient counts as 0.

Source: Cen et al. 2025, arXiv 2505.18917, the per-step influence: sqrt(a (1 - a)) A(q', o') (K+ - K-), where the kernels K are inner products of gradients of
log-probabilities, and the expectation of A times the target answer's gradient is the gradient of the expected reward.
Differs from Transfer: predicted before a step, not measured after many.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.metrics.transfer import Transfer
from guerdon.witness import Witness


@dataclass(frozen=True)
class CoInfluence:
    def __call__(self, rate, right, wrong, target) -> np.ndarray:
        rate, right, wrong, target = (np.asarray(x, dtype=float) for x in (rate, right, wrong, target))
        if right.shape != wrong.shape or right.shape != (len(rate), len(target)):
            raise InputError(
                f"co-influence of {len(rate)} prompts on a target of {len(target)} parameters needs gradients of that shape, not {right.shape} and {wrong.shape}"
            )
        return np.sqrt(rate * (1 - rate)) * ((right - wrong) @ target)


witness = Witness(
    CoInfluence(),
    parent=Transfer(),
    given={
        "rate": [0.5, 0.2, 1.0],
        "right": [[1.0, 0.0], [0.0, 2.0], [5.0, 5.0]],
        "wrong": [[-1.0, 0.0], [0.0, -3.0], [0.0, 0.0]],
        "target": [3.0, -1.0],
    },
    returns=[3.0, -2.0, 0.0],  # 0.5 * 3 * 2, 0.4 * -1 * 5
)
