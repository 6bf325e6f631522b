"""Kendall's tau: of every two items, how much oftener two numbers order them alike than the other way round.

    tau = (alike - opposite) / (n (n - 1) / 2)        a number from -1 to 1; nan for fewer than two items

A pair that either number calls equal is neither (tau-a), so that two that call everything equal have 0.

Source: Kendall 1938, "A new measure of rank correlation"; between two judges of the same answers: CREAM, arXiv 2410.12735, section 4.
Differs from RankCorrelation: pairs are counted, so that (tau + 1) / 2 is the share on which both agree, where nothing is equal.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.witness import Witness


@dataclass(frozen=True)
class KendallTau:
    def __call__(self, proxy, gold) -> np.ndarray:
        if len(proxy) < 2:
            return np.asarray(np.nan)
        first, second = (np.sign(np.subtract.outer(x, x)) for x in (np.asarray(proxy, dtype=float), np.asarray(gold, dtype=float)))
        n = len(first)
        return np.asarray((first * second).sum() / (n * (n - 1)))


# Of six pairs one is turned; with a tie, five are alike and one is neither.
witness = (
    Witness(KendallTau(), given={"proxy": [0.0, 1.0, 5.0, 100.0], "gold": [-3.0, 0.0, 2.0, 1.0]}, returns=4 / 6, parent=RankCorrelation()),
    Witness(KendallTau(), given={"proxy": [0.0, 1.0, 1.0, 9.0], "gold": [1.0, 2.0, 3.0, 4.0]}, returns=5 / 6, parent=RankCorrelation()),
)
