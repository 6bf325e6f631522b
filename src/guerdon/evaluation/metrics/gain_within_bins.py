"""Gain within bins: how much more reward there is among answers of the same length, and how much because there are longer ones.

    within = sum over bins m of  n_m (mean reward after in m - mean reward before in m) / sum of n_m        bins in which both have answers, n_m those of both
    gain   = mean reward after - mean reward before
    returns [within, gain - within]

``reward`` and ``length`` [N] are of answers before (reference) and ``reward_after``, ``length_after`` [M] after. Bins are ``width`` wide, from 0 on.

Source: Singhal et al. 2023, arXiv 2310.03716, where the gain within bins of 20 tokens, as a share of the whole, says what of RLHF's reward is not length. Its beginning and
summaries were read: that a bin counts by the answers of both is ours.
Differs from ExplainedByStyle: of two policies' answers, and not of pairs.
"""

from dataclasses import dataclass

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.metrics.explained_by_style import ExplainedByStyle
from guerdon.witness import Witness


@dataclass(frozen=True)
class GainWithinBins:
    width: float = 20.0

    def __post_init__(self) -> None:
        if self.width <= 0:
            raise InputError(f"gain_within_bins.width is {self.width}; give a length above 0")

    def __call__(self, reward, length, reward_after, length_after) -> np.ndarray:
        before, after = np.asarray(reward, dtype=float), np.asarray(reward_after, dtype=float)
        if not (len(before) and len(after)):
            return np.full(2, np.nan)
        place, place_after = (np.floor(np.asarray(x, dtype=float) / self.width) for x in (length, length_after))
        gains, counts = [], []
        for m in np.intersect1d(place, place_after):
            counts.append((place == m).sum() + (place_after == m).sum())
            gains.append(after[place_after == m].mean() - before[place == m].mean())
        within = np.average(gains, weights=counts) if gains else np.nan
        return np.array([within, after.mean() - before.mean() - within])


witness = Witness(  # among short answers 1 more, among long ones nothing; that there are more long ones does the rest of 9.5 - 2
    GainWithinBins(),
    parent=ExplainedByStyle(),
    given={
        "reward": [1.0, 1.0, 1.0, 5.0],
        "length": [3.0, 5.0, 19.0, 20.0],
        "reward_after": [2.0, 5.0, 5.0, 26.0],
        "length_after": [10.0, 39.0, 21.0, 50.0],
    },
    returns=[4 / 7, 7.5 - 4 / 7],
)
