"""The warm-up that schedules share."""

from collections.abc import Callable


def after_warmup(progress: float, warmup: float, start: float, shape: Callable[[float], float]) -> float:
    """Up from 0 to ``start`` while ``progress`` is below ``warmup``, then ``shape`` of the share of the rest that is done."""
    if progress < warmup:
        return start * progress / warmup
    return shape((progress - warmup) / (1 - warmup))
