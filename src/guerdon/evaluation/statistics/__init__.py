"""Statistics: values → an estimate, with an interval where the part can give one.

``values`` is one number per item (a run, a seed, a problem), or runs × tasks. What is random takes its seed as a field.
"""

from typing import Any, NamedTuple, Protocol


class Estimate(NamedTuple):
    """A number and the ends of its interval."""

    value: float
    low: float
    high: float


class Statistic(Protocol):
    """Values (per item, or runs × tasks) → number, or number with an interval."""

    def __call__(self, values: Any) -> Any: ...
