"""Judges: a pair of candidates for the same prompt → the probability that the first is preferred, or a drawn verdict."""

from typing import Any, Protocol

from guerdon.quantities import N


class Judge(Protocol):
    """What is known of the two candidates, [N] each (a simulated person reads gold utilities), a seed, and the state of who is asked →
    1.0 where the first is preferred, 0.0 where the second is, NaN where the judge was not asked; and the state."""

    def __call__(self, first: N, second: N, seed: int, state: dict[str, Any]) -> tuple[N, dict[str, Any]]: ...
