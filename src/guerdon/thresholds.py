"""Thresholds on rewards, which are sums of floats: 0.6 + 0.3 + 0.1 is 0.9999999999999999 in binary, and is the full reward all the same.

    reaches(value, threshold)  = value >= threshold - slack
    exceeds(value, threshold)  = value >  threshold + slack        slack = 1e-6 * max(1, |threshold|)

``value`` is a number, an array or a tensor; NaN neither reaches nor exceeds anything. The slack is far above what rounding does to sums of rewards in
float32 and far below what any reward means.
"""

from typing import Any

TOLERANCE = 1e-6


def reaches(value: Any, threshold: float) -> Any:
    """Whether a reward is at least so much."""
    return value >= threshold - _slack(threshold)


def exceeds(value: Any, threshold: float) -> Any:
    """Whether a reward is more than so much."""
    return value > threshold + _slack(threshold)


def _slack(threshold: float) -> float:
    return TOLERANCE * max(1.0, abs(threshold))
