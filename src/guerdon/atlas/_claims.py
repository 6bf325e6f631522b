"""Claims: what a system says about its numbers, in a form that can fail.

A claim reads ``numbers[arm][measure]``, a list with one value per seed or, for a curve, ``{x: list}``. Arms of one seed were
measured together, so differences are taken seed by seed, and the claim is about their mean (see ``_verdict``).

The claims of an ``AllOf`` are each judged at the full confidence: all of them must hold, so no correction is needed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from guerdon.atlas._verdict import Region, Verdict, all_of, decide

Curve = Mapping[float, Sequence[float]]
Numbers = Mapping[str, Mapping[str, Sequence[float] | Curve]]


@runtime_checkable
class Claim(Protocol):
    """Numbers → verdict. ``str(claim)`` is the claim in words."""

    def judge(self, numbers: Numbers, exact: bool = False) -> Verdict: ...


@dataclass(frozen=True, kw_only=True)
class _Leaf:
    """What every single claim says of itself besides.

    Attributes:
        matched: what the arms have alike, in a word or two ("samples", "updates", "beta"); a frontier says so by itself.
        by_construction: it cannot come out otherwise, because the other arm cannot see or represent what the method does; then a second claim is needed against one
            that can.
    """

    matched: str = ""
    by_construction: bool = False

    def _said(self, verdict: Verdict, *arms: str | float) -> Verdict:
        own = {"arms": tuple(arm for arm in arms if isinstance(arm, str)), "matched": self.matched, "by_construction": self.by_construction}
        return replace(verdict, **own, parts=tuple(self._said(part, *arms) for part in verdict.parts))


@dataclass(frozen=True)
class BetterThan(_Leaf):
    """``arm`` exceeds ``than`` (another arm, or a number) by more than ``by``; a difference from that within ``effect``, the smallest of interest, is *equal*.

    ``on`` is the measure. On a curve, ``at`` picks the point: one of its x, ``"first"``, ``"last"``, or ``"every"`` for all.
    """

    arm: str
    than: str | float
    on: str
    at: float | str | None = None
    by: float = 0.0
    effect: float = 0.0
    lower_is_better: bool = False

    def judge(self, numbers: Numbers, exact: bool = False) -> Verdict:
        region = Region(self.by, math.inf, open=True, effect=self.effect)
        return self._said(_compare(self, numbers, exact, self.than, region), self.arm, self.than)

    def __str__(self) -> str:
        by = f" by more than {self.by:g}" if self.by else ""
        return f"{self.arm} is better than {self.than}{by} on {_where(self)}"


@dataclass(frozen=True)
class NoWorseThan(_Leaf):
    """``arm`` falls short of ``than`` by at most ``margin``."""

    arm: str
    than: str | float
    on: str
    margin: float = 0.0
    at: float | str | None = None
    lower_is_better: bool = False

    def judge(self, numbers: Numbers, exact: bool = False) -> Verdict:
        return self._said(_compare(self, numbers, exact, self.than, Region(-self.margin, math.inf)), self.arm, self.than)

    def __str__(self) -> str:
        return f"{self.arm} is no worse than {self.than} (margin {self.margin:g}) on {_where(self)}"


@dataclass(frozen=True)
class EqualTo(_Leaf):
    """``arm`` and ``to`` differ by at most ``tolerance``."""

    arm: str
    to: str | float
    on: str
    tolerance: float
    at: float | str | None = None

    def judge(self, numbers: Numbers, exact: bool = False) -> Verdict:
        return self._said(_compare(self, numbers, exact, self.to, Region(-self.tolerance, self.tolerance)), self.arm, self.to)

    def __str__(self) -> str:
        return f"{self.arm} equals {self.to} (within {self.tolerance:g}) on {_where(self)}"


@dataclass(frozen=True)
class GrowsWith(_Leaf):
    """The curve of ``arm`` rises along x: the line fitted to it over its points, equally spaced, gains more than ``by``.

    With ``every_step`` each point must lie higher than the one before it, by more than ``by``.
    """

    arm: str
    on: str
    by: float = 0.0
    every_step: bool = False

    sign = 1

    def judge(self, numbers: Numbers, exact: bool = False) -> Verdict:
        curve = self.sign * points(numbers, self.arm, self.on)[1]  # [S, X]
        region = Region(self.by, math.inf, open=True)
        if self.every_step:
            steps = np.diff(curve, axis=1).T
            found = all_of(str(self), [decide(f"{self}: step {i + 1}", s, region, exact) for i, s in enumerate(steps)])
            return self._said(found, self.arm)
        x = np.linspace(0, 1, curve.shape[1])
        x = x - x.mean()
        return self._said(decide(str(self), curve @ x / (x @ x), region, exact), self.arm)

    def __str__(self) -> str:
        step = " at every step" if self.every_step else ""
        by = f" by more than {self.by:g}" if self.by else ""
        return f"{self.on} of {self.arm} {'grows' if self.sign > 0 else 'falls'}{step}{by}"


@dataclass(frozen=True)
class FallsWith(GrowsWith):
    """The curve of ``arm`` sinks along x; otherwise as ``GrowsWith``."""

    sign = -1


@dataclass(frozen=True)
class RanksAs(_Leaf):
    """The arms, best first: each is better than the next."""

    arms: tuple[str, ...]
    on: str
    at: float | str | None = None
    by: float = 0.0
    effect: float = 0.0
    lower_is_better: bool = False

    def judge(self, numbers: Numbers, exact: bool = False) -> Verdict:
        pairs = zip(self.arms, self.arms[1:], strict=False)
        about = {"matched": self.matched, "by_construction": self.by_construction}
        claims = [BetterThan(a, b, self.on, self.at, self.by, self.effect, self.lower_is_better, **about) for a, b in pairs]
        return all_of(str(self), [claim.judge(numbers, exact) for claim in claims])

    def __str__(self) -> str:
        return f"{' > '.join(self.arms)} on {_where(self)}"


@dataclass(frozen=True, init=False)
class AllOf:
    """Every one of the claims holds; it fails as soon as one of them does."""

    claims: tuple[Claim, ...]

    def __init__(self, *claims: Claim) -> None:
        object.__setattr__(self, "claims", claims)

    def judge(self, numbers: Numbers, exact: bool = False) -> Verdict:
        return all_of(str(self), [claim.judge(numbers, exact) for claim in self.claims])

    def __str__(self) -> str:
        return "; ".join(str(claim) for claim in self.claims)


def leaves(claim: Claim) -> tuple[Claim, ...]:
    """The claims that a conjunction is made of."""
    return tuple(leaf for part in claim.claims for leaf in leaves(part)) if isinstance(claim, AllOf) else (claim,)


def points(numbers: Numbers, arm: str, on: str) -> tuple[tuple[float, ...], np.ndarray]:
    """The points of a curve (none for a number) and its values, [S, X]."""
    if arm not in numbers or on not in numbers[arm]:
        known = "; ".join(f"{a}: {', '.join(measures)}" for a, measures in numbers.items())
        raise LookupError(f"the claim names {on!r} of {arm!r}, which the experiment did not measure. It measured {known}")
    series = numbers[arm][on]
    if not isinstance(series, Mapping):
        return (), np.asarray(series, dtype=float)[:, None]
    x = tuple(sorted(series))
    return x, np.stack([np.asarray(series[point], dtype=float) for point in x], axis=1)


def _compare(claim, numbers: Numbers, exact: bool, other: str | float, region: Region) -> Verdict:
    sign = -1 if getattr(claim, "lower_is_better", False) else 1
    x, first = points(numbers, claim.arm, claim.on)
    if isinstance(other, str):
        x_other, second = points(numbers, other, claim.on)
        if x_other != x:
            raise LookupError(f"the curves of {claim.arm} and {other} on {claim.on} have different points: {x} and {x_other}")
    else:
        second = np.full_like(first, other)
    difference = sign * (first - second)  # [S, X]
    if claim.at == "every":
        return all_of(str(claim), [decide(f"{claim}: at {p:g}", d, region, exact) for p, d in zip(x, difference.T, strict=True)])
    return decide(str(claim), difference[:, _index(claim, x)], region, exact)


def _index(claim, x: tuple[float, ...]) -> int:
    if not x:
        if claim.at is not None:
            raise LookupError(f"{claim}: {claim.on} of {claim.arm} is a number, not a curve; leave out at={claim.at!r}")
        return 0
    if claim.at in ("first", "last"):
        return 0 if claim.at == "first" else len(x) - 1
    if claim.at not in x:
        raise LookupError(f"{claim}: {claim.on} of {claim.arm} is a curve over {x}; at must be one of these, first, last or every")
    return x.index(claim.at)


def _where(claim) -> str:
    at = "" if claim.at is None else f" at {'every point' if claim.at == 'every' else claim.at}"
    return f"{claim.on}{at}{' (lower is better)' if getattr(claim, 'lower_is_better', False) else ''}"
