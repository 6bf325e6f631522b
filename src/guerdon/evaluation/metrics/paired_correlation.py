"""Paired correlation: how far what a scorer says of pairs goes along with a difference between their answers, whichever of the two comes first.

    rho = rank correlation of (margin, -margin) with (difference, -difference)        a number from -1 to 1

Each pair counts in both orders, so that neither who is called first nor which prompts have high scores has a part in it.

Shapes: ``margin``, ``difference``: [N].
Source: ours, of Spearman's; that rewards go along with length within pairs: Singhal et al. 2023, A Long Way to Go, arXiv 2310.03716, section 3.
Differs from RankCorrelation: of differences, without an order of the two.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.witness import Witness


@dataclass(frozen=True)
class PairedCorrelation:
    def __call__(self, margin, difference) -> np.ndarray:
        m, d = np.asarray(margin, dtype=float), np.asarray(difference, dtype=float)
        return RankCorrelation()(np.concatenate([m, -m]), np.concatenate([d, -d]))


# Both margins are above 0 and go down where the difference goes up: alone -1. In both orders (1, 2, -1, -2) and (2, 1, -2, -1): 1 - 6 * 4 / (4 * 15).
witness = Witness(PairedCorrelation(), given={"margin": [1, 2], "difference": [2, 1]}, returns=0.6, parent=RankCorrelation())
