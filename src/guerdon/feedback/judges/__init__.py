"""Judges: a pair of candidates for the same prompt → the probability that the first is preferred, or a drawn verdict."""

from typing import Any, Protocol

from guerdon.quantities import N


class Judge(Protocol):
    """What is known of the two candidates → 1.0 where the first is preferred, 0.0 where the second is, what lies between for a probability, NaN where nothing
    was said, [N]. A judge asks by name: for gold utilities (``first``, ``second``, [N]) with a ``seed``, or for texts (``prompt``, ``first_completion``,
    ``second_completion``, lists). One that keeps count has ``init() -> state``, takes the state and returns it along with the verdicts."""

    def __call__(self, **known: Any) -> N | tuple[N, dict[str, Any]]: ...
