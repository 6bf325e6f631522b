"""Pair accuracy: 1 for every pair whose chosen side scores higher, 1/2 for a tie, 0 otherwise.

    accuracy = [chosen_score > rejected_score] + 1/2 [chosen_score == rejected_score]        [N]

Its mean is the area under the curve of the two sides' scores, and a constant scorer gets 1/2, as it must.
Source: accuracy of a reward model on comparisons as in Stiennon et al. 2020, arXiv 2009.01325, section 4.3; half for ties as in the
Mann-Whitney statistic.
Differs from Accuracy: compares numbers, and a tie is neither right nor wrong.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.metrics.accuracy import Accuracy
from guerdon.witness import Witness


@dataclass(frozen=True)
class PairAccuracy:
    def __call__(self, chosen_score, rejected_score) -> np.ndarray:
        difference = np.asarray(chosen_score, dtype=float) - np.asarray(rejected_score, dtype=float)
        return np.where(np.isnan(difference), 0.0, 0.5 + 0.5 * np.sign(difference))


witness = Witness(
    PairAccuracy(), given={"chosen_score": [2.0, 1.0, 0.0], "rejected_score": [1.0, 1.0, 3.0]}, returns=[1.0, 0.5, 0.0], parent=Accuracy()
)
