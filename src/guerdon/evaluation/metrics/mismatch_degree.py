"""Mismatch degree: how far what a reward model says of two sources of answers is from what people say of them.

    degree = | share of prompts on which the first source's answer scores higher - 1 / (1 + 10^((rating - own) / 400)) |

``score`` and ``other_score`` [N]: of both sources' answers to the same prompts; ``own`` and ``rating``: their Elo ratings (of the first and of the
other). Equal scores are half a win; of no prompts it is NaN. 0: as people's games foretell; at most 1.

Source: CHARM, Zhu et al. 2025, arXiv 2504.10045, where it is what is to fall; its expected rate is Elo's. That the distance is the plain difference
of the two rates is what could be read of it.
Differs from PairAccuracy: no pair has a label; only how many go which way is known.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.witness import Witness


@dataclass(frozen=True)
class MismatchDegree:
    def __call__(self, score, other_score, own, rating) -> np.ndarray:
        first, second = np.asarray(score, dtype=float), np.asarray(other_score, dtype=float)
        if not len(first):
            return np.asarray(np.nan)
        won = ((first > second) + 0.5 * (first == second)).mean()
        return np.abs(won - expected(own, rating))


def expected(own: float, rating: float) -> float:
    """How often the first wins, by Elo's formula."""
    return 1.0 / (1.0 + 10.0 ** ((rating - own) / 400))


witness = Witness(  # three of four won, where 10 to 1 against it were to be expected
    MismatchDegree(),
    parent=PairAccuracy(),
    given={"score": [3.0, 2.0, 1.0, 0.0], "other_score": [0.0, 0.0, 0.0, 5.0], "own": 1000.0, "rating": 1400.0},
    returns=0.75 - 1 / 11,
)
