"""Statistics: values → an estimate with an interval."""

from typing import Any, Protocol


class Statistic(Protocol):
    """Values (per item, or runs × tasks) → number, or number with an interval."""

    def __call__(self, values: Any) -> Any: ...
