"""Coming apart: from when on what is learned from rises while what it stands for falls.

Both curves are cut into blocks of steps, at most ``BLOCKS`` and of three steps or so at least. They have come apart by block j where there is an
earlier block i with

    mean proxy_j - mean proxy_i  >  z * s_proxy * sqrt(1/n_i + 1/n_j)        it has risen by more than noise, and
    mean gold_i  - mean gold_j   >  z * s_gold  * sqrt(1/n_i + 1/n_j)        it has fallen by more than noise

with s the noise of one step, from the differences of neighbours (s^2 = sum (x_{t+1} - x_t)^2 / (2 (n - 1)), von Neumann), which a slow movement
hardly enters, and z the quantile of Student's t at 1 - level / (number of pairs of blocks). The moment of divergence is the middle of the block,
before the first such j, in which gold was best.

Wherever the two only move together, for every pair of blocks one of the two conditions is met by chance alone, so that an alarm is at most as
frequent as ``level`` over the whole run, however the curves run. The noise has to be independent from step to step, as that of fresh samples is; what
the policy itself wanders is no noise, and a fall is a fall.

Source: the von Neumann ratio's variance (von Neumann 1941), its degrees of freedom by the first two moments; Bonferroni over the pairs. The rule is ours; what it looks for is
the over-optimisation of Gao et al. 2022, arXiv 2210.10760.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BLOCKS = 10
LEVEL = 0.05
FEWEST = 4  # points


@dataclass(frozen=True)
class Apart:
    """The curves have come apart.

    Attributes:
        moment: the step at which gold was best, from which on they do.
        seen: the step by which it is known.
        proxy, gold: their means at the moment, and when it is known.
    """

    moment: float
    seen: float
    proxy: tuple[float, float]
    gold: tuple[float, float]


def coming_apart(steps: Sequence[float], proxy: Sequence[float], gold: Sequence[float], level: float = LEVEL) -> Apart | None:
    """When the two curves come apart, or None where nothing shows that they do. Steps at which one of the two is no number are left out."""
    at, learned, true = (np.asarray(x, dtype=float) for x in (steps, proxy, gold))
    there = np.isfinite(learned) & np.isfinite(true)
    at, learned, true = at[there], learned[there], true[there]
    if len(at) < FEWEST:
        return None
    from scipy.stats import t

    blocks = np.array_split(np.arange(len(at)), min(BLOCKS, max(len(at) // 3, 3)))
    sizes = np.array([len(block) for block in blocks])
    p, g = (np.array([curve[block].mean() for block in blocks]) for curve in (learned, true))
    pairs = len(blocks) * (len(blocks) - 1) / 2
    freedom = 2 * (len(at) - 1) ** 2 / (3 * len(at) - 4)
    bound = float(t.ppf(1 - level / pairs, freedom)) * np.sqrt(1 / sizes[:, None] + 1 / sizes)
    rises = (p[None, :] - p[:, None]) > bound * _noise(learned)
    falls = (g[:, None] - g[None, :]) > bound * _noise(true)
    apart = np.triu(rises & falls, 1)
    if not apart.any():
        return None
    by = int(np.flatnonzero(apart.any(0))[0])
    best = int(g[:by].argmax())
    middle = [float(np.median(at[blocks[i]])) for i in (best, by)]
    return Apart(*middle, (float(p[best]), float(p[by])), (float(g[best]), float(g[by])))


def _noise(curve: np.ndarray) -> float:
    """The standard deviation of one step around where the curve goes; never less than what arithmetic leaves."""
    difference = np.diff(curve)
    least = 1e-12 * max(float(np.abs(curve).max()), 1e-300)
    return max(math.sqrt(float((difference**2).sum()) / (2 * len(difference))), least)
