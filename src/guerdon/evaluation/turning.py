"""Turning: from which of several places on a mean over items falls, and by where that is known.

    at place i it was highest so far, and by place j > i it has fallen where        mean_p (x_pi - x_pj)  >  z * s_ij / sqrt(P)

with s_ij the standard deviation of the differences over the P items, and z the quantile of Student's t at 1 - level / (number of pairs of places). Every item is measured at every
place, so that differences within items are what is looked at. A mean that falls nowhere is said to fall in at most a share ``level`` of the cases, however its places are
correlated.

Source: the paired t-test (Student 1908), Bonferroni over the pairs. The rule is ours; what it looks for is the over-optimisation of Gao et al. 2022, arXiv
2210.10760. It differs from ``coming_apart``, which compares places whose noise is independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.05
FEWEST = 4  # items


@dataclass(frozen=True)
class Turn:
    """At place ``top`` the mean is highest, by place ``seen`` it is known to have fallen, by ``fall``."""

    top: int
    seen: int
    fall: float


def turning(values: Sequence[Sequence[float]], level: float = LEVEL) -> Turn | None:
    """Where the mean of [items, places] turns; None where nothing shows that it does."""
    x = np.asarray(values, dtype=float)
    if x.ndim != 2 or x.shape[1] < 2 or len(x) < FEWEST:
        return None
    from scipy.stats import t

    items, places = x.shape
    bound = float(t.ppf(1 - level / (places * (places - 1) / 2), items - 1))
    mean = x.mean(0)
    for seen in range(1, places):
        top = int(mean[:seen].argmax())
        difference = x[:, top] - x[:, seen]
        noise = max(float(difference.std(ddof=1)) / items**0.5, 1e-12 * float(np.abs(x).max()), 1e-300)
        if difference.mean() > bound * noise:
            return Turn(top, seen, float(difference.mean()))
    return None
