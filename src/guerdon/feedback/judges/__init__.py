"""Judges: a pair of candidates for the same prompt → the probability that the first is preferred, or a drawn verdict."""

from typing import Any, Protocol

from guerdon.quantities import N


class Judge(Protocol):
    """Gold utilities of the two candidates, [N] each, and a seed → 1.0 where the first is preferred, 0.0 where the
    second is, NaN where the judge was not asked (its budget is spent)."""

    def __call__(self, first: N, second: N, **known: Any) -> N: ...
