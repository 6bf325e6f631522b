"""Schedules: progress (0 to 1) → the value of a knob. A schedule stands where the number stood."""

from typing import Protocol


class Schedule(Protocol):
    """``progress``, the share of the run that is done in the middle of the step → value."""

    def __call__(self, progress: float) -> float: ...
