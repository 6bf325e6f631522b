"""Frontiers: who gets more for the same price.

    lead = mean over z in [low, high] of on_arm(z) - on_than(z)

An arm's curve goes through what it measured at each of its points x (the steps at which one may have stopped, the weights of a penalty): the price ``along`` and
what was bought, ``on``. Both arms' curves are interpolated in a line between their own points, seed by seed, over the prices that both have paid: ``low`` and
``high`` are the larger of the smallest and the smaller of the largest prices. Points of one price count with their mean.

Source: rewards are compared at equal KL from the reference by Gao, Schulman and Hilton, arXiv 2210.10760. The mean lead over a shared range is ours.
Differs from BetterThan at a point: a method that only goes further along the other's curve ("acts like a smaller beta") has no lead.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from guerdon.atlas._claims import Numbers, _Leaf, points
from guerdon.atlas._verdict import Region, Verdict, decide

PRICES = 101  # at which the two curves are compared


@dataclass(frozen=True)
class AheadAlong(_Leaf):
    """``arm`` is ahead of ``than`` on ``on`` at equal ``along``, by more than ``by``; a lead within ``effect`` of that is *equal*.

    ``on`` and ``along`` are curves over the same points. ``at`` compares at one price instead of on average over the shared range. A seed whose ranges do not meet (or
    do not hold ``at``) leaves the claim undecided.
    """

    arm: str
    than: str
    on: str
    along: str
    at: float | None = None
    by: float = 0.0
    effect: float = 0.0
    lower_is_better: bool = False

    def judge(self, numbers: Numbers, exact: bool = False) -> Verdict:
        sign = -1 if self.lower_is_better else 1
        first, second = (_curves(numbers, arm, self.on, self.along) for arm in (self.arm, self.than))
        leads = np.array([sign * lead(*a, *b, self.at) for a, b in zip(first, second, strict=True)])
        why = f"on some seed the two have no {self.along} in common{'' if self.at is None else f' at {self.at:g}'}"
        found = decide(str(self), leads, Region(self.by, math.inf, open=True, effect=self.effect), exact, why)
        return self._said(found, self.arm, self.than)

    def _said(self, verdict: Verdict, *arms: str | float) -> Verdict:
        return replace(super()._said(verdict, *arms), matched=self.matched or self.along)

    def __str__(self) -> str:
        by = f" by more than {self.by:g}" if self.by else ""
        at = "" if self.at is None else f" at {self.at:g}"
        return f"{self.arm} is ahead of {self.than}{by} on {self.on}{' (lower is better)' if self.lower_is_better else ''} at equal {self.along}{at}"


def lead(z1: np.ndarray, y1: np.ndarray, z2: np.ndarray, y2: np.ndarray, at: float | None = None) -> float:
    """By how much the first curve [X1] lies above the second [X2] over the prices that both have, or at one; NaN where they have none in common."""
    (z1, y1), (z2, y2) = _function(z1, y1), _function(z2, y2)
    low, high = max(z1[0], z2[0]), min(z1[-1], z2[-1])
    if at is not None:
        low, high = (at, at) if low <= at <= high else (1.0, 0.0)
    if not low <= high or (at is None and low == high):
        return math.nan
    prices = np.linspace(low, high, PRICES)
    return float((np.interp(prices, z1, y1) - np.interp(prices, z2, y2)).mean())


def _function(z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Prices in order, each once."""
    prices, where = np.unique(z, return_inverse=True)
    return prices, np.bincount(where, weights=y) / np.bincount(where)


def _curves(numbers: Numbers, arm: str, on: str, along: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Price and value [X] of each seed."""
    x, value = points(numbers, arm, on)
    x_price, price = points(numbers, arm, along)
    if not x or x != x_price:
        raise LookupError(f"a frontier needs {on!r} and {along!r} of {arm!r} as curves over the same points, not over {x} and {x_price}")
    return list(zip(price, value, strict=True))
