"""Success rates: what k of n right answers to each prompt say of the rates behind them, and of groups of any size.

    a prompt's rate ~ 0 with chance w0, 1 with chance w1, else Beta(a, b)           a = m s, b = (1 - m) s
    right answers of n ~ Binomial(n, rate)
    a group of G has no right answer or only right ones with chance
        E[rate^G + (1 - rate)^G] = w0 + w1 + (1 - w0 - w1) (B(a + G, b) + B(a, b + G)) / B(a, b)

Two right answers of four may be a rate of 0.2 or of 0.8, and none of four a rate of 0.1, so shares that were counted are not those of the rates: what is
said is the mean and the quantiles of the posterior of all four numbers, summed over a grid.

Priors: w0 and w1 are 0 with chance 1/2 each, and else uniform over what leaves the Beta something; m as Jeffreys' for a proportion, s uniform in its logarithm
from 0.2 to 200. A few counts do not tell rates of 0 from small ones, which matters for groups that are larger than what was drawn: there the interval is wide.
Differs from shares of the counts (``PassAtK`` of both kinds), which are unbiased and say nothing of groups larger than n.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.statistics import Estimate

_SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9)
_MEANS, _STRENGTHS = 30, 12
_WEAKEST, _STRONGEST = 0.2, 200.0


@dataclass(frozen=True, eq=False)
class SuccessRates:
    """What is known of the rates of all prompts, those that were not looked at included.

    Attributes:
        weight: [C, S], the posterior of (a, b) at C places and of the shares of zeros and ones at S.
        a, b: [C].
        zeros, ones: [S].
        confidence: of the intervals.
    """

    weight: np.ndarray
    a: np.ndarray
    b: np.ndarray
    zeros: np.ndarray
    ones: np.ndarray
    confidence: float = 0.95

    def silent(self, size: int) -> Estimate:
        """The share of groups of ``size`` in which every answer is right, or none."""
        return self._estimate(self._none(size)[:, None], self._all(size)[:, None])

    def unsolved(self, size: int) -> Estimate:
        """The share of groups of ``size`` without a right answer."""
        return self._estimate(self._none(size)[:, None], ones=0.0)

    def solved(self, size: int = 1) -> Estimate:
        """The share of groups of ``size`` in which every answer is right; of size 1, the mean rate."""
        return self._estimate(after=self._all(size)[:, None], zeros=0.0)

    def between(self, low: float, high: float) -> Estimate:
        """The share of prompts with a rate of at least ``low`` and at most ``high``, where 0 < low < high < 1."""
        from scipy.special import betainc

        inside = betainc(self.a, self.b, high) - betainc(self.a, self.b, low)
        return self._estimate(inside[:, None], zeros=0.0, ones=0.0)

    def _none(self, size: int) -> np.ndarray:
        from scipy.special import betaln

        return np.exp(betaln(self.a, self.b + size) - betaln(self.a, self.b))

    def _all(self, size: int) -> np.ndarray:
        from scipy.special import betaln

        return np.exp(betaln(self.a + size, self.b) - betaln(self.a, self.b))

    @cached_property
    def _rest(self) -> np.ndarray:
        return 1.0 - self.zeros - self.ones

    def _estimate(self, before: Any = 0.0, after: Any = 0.0, zeros: float = 1.0, ones: float = 1.0) -> Estimate:
        """Mean and quantiles of ``zeros * w0 + ones * w1 + (1 - w0 - w1) (before + after)``."""
        values = zeros * self.zeros + ones * self.ones + self._rest * (before + after)
        values, weight = np.broadcast_to(values, self.weight.shape).ravel(), self.weight.ravel()
        order = np.argsort(values, kind="stable")
        below = np.cumsum(weight[order])
        ends = [(1 - self.confidence) / 2, (1 + self.confidence) / 2]
        low, high = values[order][np.minimum(np.searchsorted(below, np.array(ends) * below[-1]), len(order) - 1)]
        return Estimate(float(values @ weight), float(low), float(high))


def success_rates(successes, samples, confidence: float = 0.95) -> SuccessRates:
    """The posterior after ``successes`` [P] right answers of ``samples`` (a number or [P]).

    Raises:
        InputError: no prompts, or one with more right answers than answers.
    """
    from scipy.special import betaln, gammaln

    k = np.asarray(successes, dtype=np.int64)
    n = np.broadcast_to(np.asarray(samples, dtype=np.int64), k.shape)
    if k.ndim != 1 or not len(k) or (k < 0).any() or (k > n).any() or (n < 1).any():
        raise InputError("success rates take at least one prompt, each with an answer or more, of which no more are right than there are")
    (a, b), (zeros, ones, prior) = _places(), _mixtures()
    weight = np.tile(np.log(prior), (len(a), 1))
    cells, count = np.unique(np.stack([k, n]), axis=1, return_counts=True)
    rest = 1.0 - zeros - ones
    for (right, of), times in zip(cells.T, count, strict=True):
        ways = gammaln(of + 1) - gammaln(right + 1) - gammaln(of - right + 1)
        chance = rest * np.exp(ways + betaln(a + right, b + of - right) - betaln(a, b))[:, None]
        weight += times * np.log(chance + zeros * (right == 0) + ones * (right == of))
    weight = np.exp(weight - weight.max())
    return SuccessRates(weight / weight.sum(), a, b, zeros, ones, confidence)


def _places() -> tuple[np.ndarray, np.ndarray]:
    """(a, b) on a grid of even prior: in even steps of the arcsine of sqrt(m), and of log s."""
    mean = np.sin((np.arange(_MEANS) + 0.5) * np.pi / (2 * _MEANS)) ** 2
    strength = np.geomspace(_WEAKEST, _STRONGEST, _STRENGTHS)
    m, s = (x.ravel() for x in np.meshgrid(mean, strength, indexing="ij"))
    return m * s, (1 - m) * s


def _mixtures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares of zeros and of ones whose sum is below 1, and their prior."""
    share = np.array(_SHARES)
    each = np.gradient(share)
    each[0] = each[1:].sum()
    zeros, ones = (x.ravel() for x in np.meshgrid(share, share, indexing="ij"))
    prior = np.outer(each, each).ravel()
    room = zeros + ones < 1 - 1e-9
    return zeros[room], ones[room], prior[room] / prior[room].sum()
