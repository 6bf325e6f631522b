"""Verdicts: what numbers say of a claim, from a bootstrap interval over seeds.

The interval of the mean lies inside what is claimed (*holds*), outside of it (*does not hold at this scale*) or on the border (*undecided*). Where a smallest
effect of interest is stated, an interval inside plus or minus that effect is *equal*: the difference, if there is one, is smaller than anybody cares about. Fewer
than three seeds decide nothing, unless the system is declared exact.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean

HOLDS = "holds"
FAILS = "does not hold at this scale"
EQUAL = "equal"
UNDECIDED = "undecided"
OUTCOMES = (HOLDS, FAILS, EQUAL, UNDECIDED)
FEWEST_SEEDS = 3


@dataclass(frozen=True)
class Verdict:
    """What the numbers say about a claim.

    Attributes:
        estimate, low, high: of what the claim is about, with its interval over seeds.
        spread: standard deviation over seeds.
        effect: the smallest effect of interest, in the same unit; 0: none was stated.
        parts: of a conjunction.
        arms: whom the claim is about.
        matched: what the arms have alike where the claim compares them ("KL", "samples" ...).
        by_construction: it holds whatever is measured, since the other arm cannot do otherwise.
        why: the reason where no number is (or may be) judged.
    """

    claim: str
    outcome: str
    seeds: int
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    spread: float | None = None
    effect: float = 0.0
    parts: tuple["Verdict", ...] = ()
    arms: tuple[str, ...] = ()
    matched: str = ""
    by_construction: bool = False
    why: str = ""


@dataclass(frozen=True)
class Region:
    """What is claimed of a mean: that it lies between ``low`` and ``high``; ``open`` excludes the ends. Within ``effect`` of its only end it is equal."""

    low: float
    high: float
    open: bool = field(default=False, kw_only=True)
    effect: float = field(default=0.0, kw_only=True)

    def holds(self, low: float, high: float) -> bool:
        return self.low < low and high < self.high if self.open else self.low <= low and high <= self.high

    def misses(self, low: float, high: float) -> bool:
        return high <= self.low or low >= self.high if self.open else high < self.low or low > self.high

    def equals(self, low: float, high: float) -> bool:
        return self.effect > 0 and self.low - self.effect < low and high < self.low + self.effect


def decide(claim: str, values: np.ndarray, region: Region, exact: bool, why: str = "") -> Verdict:
    """The verdict on one mean over seeds; ``values`` [S], NaN where a seed gave none (``why`` says when that is)."""
    seeds = len(values)
    if np.isnan(values).any():
        return Verdict(claim, UNDECIDED, seeds, effect=region.effect, why=why)
    spread = float(values.std(ddof=1)) if seeds > 1 else None
    if exact and np.ptp(values) == 0:
        estimate = low = high = float(values[0])
    else:
        estimate, low, high = BootstrapMean()(values)
    found = Verdict(claim, UNDECIDED, seeds, estimate, spread=spread, effect=region.effect)
    if not math.isfinite(low) or not math.isfinite(high):
        return found
    found = replace(found, low=low, high=high)
    if seeds < FEWEST_SEEDS and not exact:
        return found
    if region.equals(low, high):
        return replace(found, outcome=EQUAL)
    return replace(found, outcome=HOLDS if region.holds(low, high) else FAILS if region.misses(low, high) else UNDECIDED)


def all_of(claim: str, parts: Sequence[Verdict]) -> Verdict:
    """The verdict on a conjunction: it fails, or is no more than equal, as soon as one of its claims is; it holds when all do."""
    outcomes = {part.outcome for part in parts} or {UNDECIDED}
    outcome = next(outcome for outcome in (FAILS, EQUAL, UNDECIDED, HOLDS) if outcome in outcomes)
    return Verdict(claim, outcome, min((p.seeds for p in parts), default=0), parts=tuple(parts))


def leaves(verdict: Verdict) -> tuple[Verdict, ...]:
    """The verdicts that a conjunction is made of."""
    return tuple(leaf for part in verdict.parts for leaf in leaves(part)) if verdict.parts else (verdict,)


def withheld(verdict: Verdict, arms: Collection[str], why: str) -> Verdict:
    """The verdict with every leaf about one of ``arms`` undecided, because of ``why``."""
    if verdict.parts:
        whole = all_of(verdict.claim, [withheld(part, arms, why) for part in verdict.parts])
        return replace(verdict, outcome=whole.outcome, parts=whole.parts)
    return replace(verdict, outcome=UNDECIDED, why=why) if set(verdict.arms) & set(arms) else verdict


def seeds_needed(verdict: Verdict) -> int | None:
    """So many seeds make the interval's half width half of the smallest effect of interest, if they spread as these do; None where that is not known."""
    if not verdict.effect or verdict.spread is None:
        return None
    return max(FEWEST_SEEDS, math.ceil((1.96 * verdict.spread / (verdict.effect / 2)) ** 2))
